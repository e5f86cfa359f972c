import type { BuiltinName } from '../harmony/index.ts';
import type { Tool } from '../tools/index.ts';
import type { ToolCall, ToolDeclaration } from './types.ts';

/** What one name that the model sees stands for. */
export interface Callable {
  readonly tool: Tool;
  /** As the tool knows it: `browser.search`, `python`, `read_file`. */
  readonly name: string;
}

/** What the model may call in this acting: the tools of the toolbox beside the caller's own functions. */
export class Callables {
  /** For the model, the caller's own first. */
  readonly declarations: readonly ToolDeclaration[];
  readonly builtins: readonly BuiltinName[];
  readonly #functions: ReadonlyMap<string, Callable>;
  readonly #byBuiltin: ReadonlyMap<string, Tool>;
  readonly #own: ReadonlySet<string>;

  constructor(
    own: readonly ToolDeclaration[],
    builtins: readonly BuiltinName[],
    offers: readonly (readonly [tool: Tool, functions: readonly ToolDeclaration[]])[],
  ) {
    this.#own = new Set(own.map(({ name }) => name));
    this.#byBuiltin = new Map(offers.flatMap(([tool]) => (tool.builtin === undefined ? [] : [[tool.builtin, tool]])));
    this.builtins = [...new Set([...builtins, ...offers.flatMap(([{ builtin }]) => builtin ?? [])])];
    const functions = new Map<string, Callable>();
    const declarations = [...own];
    for (const { tool, declared } of offers.flatMap(([tool, all]) => all.map((declared) => ({ tool, declared })))) {
      const { name, description, parameters } = declared;
      const isTaken = (seen: string) => this.#own.has(seen) || functions.has(seen);
      const seen = visibleName(name, tool, this.#isAmbiguous(name, offers), isTaken);
      functions.set(seen, { tool, name });
      declarations.push({
        name: seen,
        ...(description === undefined ? {} : { description }),
        ...(parameters === undefined ? {} : { parameters }),
      });
    }
    this.#functions = functions;
    this.declarations = declarations;
  }

  /** What carries a call out; undefined: nothing here does. */
  find({ name, builtin }: Pick<ToolCall, 'name' | 'builtin'>): Callable | undefined {
    if (!builtin) return this.#functions.get(name);
    const tool = this.#byBuiltin.get(name.split('.')[0]!);
    return tool && { tool, name };
  }

  /** Whether the caller carries it out. */
  isOwn({ name, builtin }: Pick<ToolCall, 'name' | 'builtin'>): boolean {
    return builtin ? !this.#byBuiltin.has(name.split('.')[0]!) : this.#own.has(name);
  }

  /** How the model sees a function of the toolbox, or a builtin; undefined: it does not. */
  seenAs(name: string): string | undefined {
    if (this.#own.has(name) || this.#functions.has(name)) return name;
    if (this.builtins.some((builtin) => name === builtin || name.startsWith(`${builtin}.`))) return name;
    return [...this.#functions].find(([, callable]) => callable.name === name)?.[0];
  }

  /** What the model calls a function of a tool. */
  nameOf(tool: Tool, name: string): string | undefined {
    return [...this.#functions].find(([, callable]) => callable.tool === tool && callable.name === name)?.[0];
  }

  #isAmbiguous(name: string, offers: readonly (readonly [Tool, readonly ToolDeclaration[]])[]): boolean {
    const clean = cleaned(name);
    if (this.#own.has(clean) || this.builtins.some((builtin) => builtin === clean)) return true;
    return offers.flatMap(([, all]) => all).filter((other) => cleaned(other.name) === clean).length > 1;
  }
}

/** Asks each tool what it offers. Rejects with what a tool that cannot be reached says. */
export async function collect(
  toolbox: readonly Tool[],
  own: readonly ToolDeclaration[],
  builtins: readonly BuiltinName[],
  signal: AbortSignal,
): Promise<Callables> {
  const offers = toolbox.map(async (tool) => [tool, (await tool.functions?.(signal)) ?? []] as const);
  return new Callables(own, builtins, await Promise.all(offers));
}

/** `read_file`, and `files__read_file` where several have that name. */
function visibleName(name: string, tool: Tool, isAmbiguous: boolean, isTaken: (name: string) => boolean): string {
  const base = isAmbiguous ? cleaned(`${tool.name.split(':').at(-1)}__${name}`) : cleaned(name);
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? base : `${base.slice(0, 120)}_${count}`;
    if (!isTaken(candidate)) return candidate;
  }
}

/** In the letters of which names that models see are made. */
function cleaned(name: string): string {
  return name.replace(/[^\w.-]/g, '_').slice(0, 128) || '_';
}
