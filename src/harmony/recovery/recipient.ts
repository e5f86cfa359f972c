/** A function that the model may call. */
export interface DeclaredTool {
  readonly name: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: unknown;
}

export interface Toolset {
  readonly tools: readonly DeclaredTool[];
  /** Enabled builtins by name, `python`, `browser`; or single ones of their functions, `browser.search`. */
  readonly builtins: readonly string[];
}

/** Whom a message is for. */
export type Recipient =
  | {
      readonly kind: 'function';
      readonly recipient: string;
      readonly tool: string;
      readonly parameters: unknown;
      readonly isExact: boolean;
    }
  | { readonly kind: 'builtin'; readonly recipient: string; readonly tool: string; readonly isExact: boolean }
  | { readonly kind: 'undeclared'; readonly recipient: string; readonly tool: string }
  /** The assistant itself. */
  | { readonly kind: 'self' }
  /** Nobody who can be called: the user, a channel, a content type. */
  | { readonly kind: 'nobody' };

export const CONTENT_TYPES: readonly string[] = ['json', 'code'];
const NOBODY: readonly string[] = [
  ...['user', 'system', 'developer', 'all', 'analysis', 'commentary', 'final'],
  ...CONTENT_TYPES,
];
const NAMESPACE = /^(?:functions|function|tools|tool)\./;

export function hasTools({ tools, builtins }: Toolset): boolean {
  return tools.length + builtins.length > 0;
}

/** Exact names first; then a namespace, a glued content type or the case put right, but only onto a declared name. */
export function resolveRecipient(name: string, toolset: Toolset): Recipient {
  if (name === 'assistant') return { kind: 'self' };
  const [bare, ...others] = spellings(name);
  for (const [index, spelling] of [bare!, ...others].entries()) {
    const tool = toolset.tools.find((declared) => declared.name === spelling);
    if (tool !== undefined) return callOf(tool, name === `functions.${tool.name}`);
    if (isBuiltin(spelling, toolset)) {
      return { kind: 'builtin', recipient: spelling, tool: spelling, isExact: index === 0 && spelling === name };
    }
  }
  const lowered = new Set(spellings(name.toLowerCase()));
  const sameButCase = toolset.tools.filter((declared) => lowered.has(declared.name.toLowerCase()));
  if (sameButCase.length === 1) return callOf(sameButCase[0]!, false);
  if (NOBODY.includes(name)) return { kind: 'nobody' };
  return { kind: 'undeclared', recipient: name, tool: name.replace(/^functions\./, '') };
}

/** Whether a word names something callable by itself, without `to=`. */
export function isToolWord(word: string, toolset: Toolset): boolean {
  return /^functions\../.test(word) || isBuiltin(word, toolset) || toolset.tools.some(({ name }) => name === word);
}

export function isBuiltin(name: string, { builtins }: Toolset): boolean {
  return builtins.some((builtin) => name === builtin || name.startsWith(`${builtin}.`));
}

/** Every word that may stand in the place of an author and mean a tool. */
export function toolWords({ tools, builtins }: Toolset): string[] {
  return [...tools.flatMap(({ name }) => [name, `functions.${name}`]), ...builtins];
}

function callOf(tool: DeclaredTool, isExact: boolean): Recipient {
  const { name, parameters } = tool;
  return { kind: 'function', recipient: `functions.${name}`, tool: name, parameters, isExact };
}

/** The name without `functions.`, then with more namespaces stripped, then each without a content type glued to it. */
function spellings(name: string): string[] {
  const names = [name.replace(/^functions\./, '')];
  if (names[0] !== name) names.push(name);
  for (let rest = name; NAMESPACE.test(rest); ) {
    rest = rest.replace(NAMESPACE, '');
    names.push(rest);
  }
  const unglued = names.filter((spelling) => /.(?:json|code)$/.test(spelling)).map((spelling) => spelling.slice(0, -4));
  return [...names, ...unglued];
}
