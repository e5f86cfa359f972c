import { OssiaError } from '../../base/index.ts';
import { builtinTools } from '../builtins.ts';

/** A function as a constraint needs to know it. Plain data. */
export interface ConstrainedTool {
  readonly name: string;
  /** JSON Schema of the arguments. Absent, null or empty: any JSON object. A string schema: any text. */
  readonly parameters?: unknown;
  /**
   * `true`: a schema that cannot be held exactly is refused. `false`: any JSON object will do. Default: the schema, relaxed
   * where it cannot be held; the notes say where.
   */
  readonly strict?: boolean;
}

/** Whether functions are called: not at all, as the model likes, by all means, or this one by all means. */
export type ToolChoice = 'none' | 'auto' | 'required' | { readonly name: string };

/** What the final message is. */
export type AnswerFormat =
  | { readonly type: 'text' }
  | { readonly type: 'json_object' }
  | { readonly type: 'json_schema'; readonly schema: unknown; readonly strict?: boolean };

/** What a turn may look like. Plain data, so that it can cross to another thread. */
export interface TurnConstraintOptions {
  /** Functions that may be called. Default none. */
  readonly tools?: readonly ConstrainedTool[];
  /** Enabled builtins, `python`, `browser`, or single functions of theirs, `browser.search`. Default none. */
  readonly builtins?: readonly string[];
  /** Default `auto`. */
  readonly toolChoice?: ToolChoice;
  /** Default text. */
  readonly responseFormat?: AnswerFormat;
  /** Whether the model may think before it speaks. Default `allowed`. */
  readonly analysis?: 'allowed' | 'forbidden';
  /** Tokens of thoughts in this turn; when they are spent, the thought is closed. Default: no limit. */
  readonly maxReasoningTokens?: number;
  /** Tokens of the whole turn at most. A turn for whose call or JSON that is too little is refused. Default: not known. */
  readonly maxTokens?: number;
  /**
   * Tokens of `maxTokens` kept for the last message, its stop token included: when those left come down to these and its header,
   * thoughts and preambles are closed. Default 0: they may use all of them up.
   */
  readonly reserve?: number;
  /** Whether a thought that repeats itself over and over is closed. Default true. */
  readonly loopDetection?: boolean;
  /** Whether stop tokens are offered only where nothing else can come: for measurements. Default false. */
  readonly ignoreEnd?: boolean;
  /** Whether text for the user may stand before a call. Default: when there is something to call and the answer is text. */
  readonly preamble?: boolean;
}

/** The options with every gap filled and every choice made. */
export interface TurnPlan {
  /** Functions that can be called in this turn. */
  readonly functions: readonly ConstrainedTool[];
  /** Builtins that can be called in this turn, each by its full name. */
  readonly builtins: readonly string[];
  readonly mustCall: boolean;
  readonly responseFormat: AnswerFormat;
  readonly reasoningTokens: number;
  readonly maxTokens: number;
  readonly reserve: number;
  readonly loopDetection: boolean;
  readonly ignoreEnd: boolean;
  readonly preamble: boolean;
}

const KNOWN: readonly string[] = [
  ...['tools', 'builtins', 'toolChoice', 'responseFormat', 'analysis', 'maxReasoningTokens', 'maxTokens'],
  ...['reserve', 'loopDetection', 'ignoreEnd', 'preamble'],
];

/** Checks the options and settles what they leave open. Throws `harmony/bad-constraint`, naming the option. */
export function planTurn(options: TurnConstraintOptions): TurnPlan {
  checkShape(options);
  const { tools = [], toolChoice = 'auto', responseFormat = { type: 'text' }, analysis = 'allowed' } = options;
  const builtins = (options.builtins ?? []).flatMap(builtinFunctions);
  const callable = choose(tools, builtins, toolChoice);
  const count = callable.functions.length + callable.builtins.length;
  if (toolChoice === 'required' && count === 0) throw bad('toolChoice', 'Cannot require a call: no tools are declared');
  return {
    ...callable,
    mustCall: toolChoice === 'required' || typeof toolChoice === 'object',
    responseFormat,
    reasoningTokens: analysis === 'forbidden' ? 0 : (options.maxReasoningTokens ?? Number.POSITIVE_INFINITY),
    maxTokens: options.maxTokens ?? Number.POSITIVE_INFINITY,
    reserve: options.reserve ?? 0,
    loopDetection: options.loopDetection ?? true,
    ignoreEnd: options.ignoreEnd ?? false,
    preamble: options.preamble ?? (count > 0 && responseFormat.type === 'text'),
  };
}

function choose(
  tools: readonly ConstrainedTool[],
  builtins: readonly string[],
  choice: ToolChoice,
): Pick<TurnPlan, 'functions' | 'builtins'> {
  if (choice === 'none') return { functions: [], builtins: [] };
  if (typeof choice === 'string') return { functions: tools, builtins };
  const { name } = choice;
  const functions = tools.filter((tool) => tool.name === name);
  if (functions.length > 0) return { functions, builtins: [] };
  const named = builtins.filter((builtin) => builtin === name || builtin.startsWith(`${name}.`));
  if (named.length > 0) return { functions, builtins: named };
  const known = [...tools.map((tool) => tool.name), ...builtins];
  const found = known.length === 0 ? 'no tools are declared' : `declared are ${known.slice(0, 20).join(', ')}`;
  throw bad('toolChoice', `Cannot require a call of "${name}": ${found}`);
}

/** `browser` → `browser.search`, `browser.open`, `browser.find`. */
function builtinFunctions(name: string): string[] {
  const all = Object.values(builtinTools).flatMap((namespace) =>
    namespace.tools.length === 0 ? [namespace.name] : namespace.tools.map((tool) => `${namespace.name}.${tool.name}`),
  );
  const found = all.filter((full) => full === name || full.startsWith(`${name}.`));
  if (found.length === 0) throw bad('builtins', `Expected builtins to be among ${all.join(', ')}, got "${name}"`);
  return found;
}

function checkShape(options: TurnConstraintOptions): void {
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const name of Object.keys(given)) {
    if (!KNOWN.includes(name))
      throw bad(name, `Unknown option "${name}" of a constraint: known are ${KNOWN.join(', ')}`);
  }
  const { tools = [], builtins = [], toolChoice = 'auto', responseFormat = { type: 'text' } } = given;
  expect('tools', tools, 'a list of {name, parameters, strict}', Array.isArray(tools) && tools.every(isTool));
  expect('builtins', builtins, 'a list of names', Array.isArray(builtins) && builtins.every(isText));
  expect('toolChoice', toolChoice, 'none, auto, required or {name}', isToolChoice(toolChoice));
  const format = 'text, json_object or json_schema with its schema';
  expect('responseFormat', responseFormat, format, isFormat(responseFormat));
  const { analysis = 'allowed' } = given;
  expect('analysis', analysis, 'allowed or forbidden', analysis === 'allowed' || analysis === 'forbidden');
  for (const [name, least] of [
    ['maxReasoningTokens', 0] as const,
    ['maxTokens', 1] as const,
    ['reserve', 0] as const,
  ]) {
    const { [name]: count = least } = given;
    expect(name, count, `an integer, ${least} or more`, Number.isSafeInteger(count) && (count as number) >= least);
  }
  for (const name of ['preamble', 'loopDetection', 'ignoreEnd']) {
    const { [name]: flag = false } = given;
    expect(name, flag, 'true or false', typeof flag === 'boolean');
  }
}

function isTool(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { name, strict }: { name?: unknown; strict?: unknown } = value;
  // White space would end the name in a header, `<` could begin the name of a control token.
  return isText(name) && /^[^\s<]+$/.test(name) && (strict === undefined || typeof strict === 'boolean');
}

function isToolChoice(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return 'name' in value && isText(value.name);
  return value === 'none' || value === 'auto' || value === 'required';
}

function isFormat(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false;
  if (value.type === 'json_schema') return 'schema' in value;
  return value.type === 'text' || value.type === 'json_object';
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function expect(name: string, value: unknown, what: string, holds: boolean): void {
  if (holds) return;
  const shown = JSON.stringify(value)?.slice(0, 80) ?? String(value);
  throw bad(name, `Expected ${name} to be ${what}, got ${shown}`);
}

/** An error that names an option. */
export function bad(parameter: string, message: string): OssiaError {
  return new OssiaError('harmony/bad-constraint', message, { details: { parameter } });
}
