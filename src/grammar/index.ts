/**
 * JSON Schema → an automaton over bytes → which tokens may come next. Knows nothing of messages or of any one vocabulary.
 */
import { type ByteAutomaton, StackAutomaton } from './automaton.ts';
import { Compiler, type SchemaNote } from './schema.ts';

export type { ByteAutomaton, State } from './automaton.ts';
export { allowedTokens } from './mask.ts';
export type { SchemaNote } from './schema.ts';
export { fewestTokens, shortestText } from './shortest.ts';
export { TokenTable } from './trie.ts';

export interface CompiledSchema {
  readonly automaton: ByteAutomaton;
  /** What was relaxed to the nearest superset; empty when strict. */
  readonly notes: readonly SchemaNote[];
}

/**
 * The JSON texts that satisfy `schema`, in one form: properties in the schema's order, at most one space after `:` and `,`,
 * none elsewhere. `additionalProperties` is false where `properties` are given and nothing else is said.
 *
 * strict  refuses what is not enforced exactly; without it, that is left out and noted. Default false.
 *
 * Throws `grammar/bad-schema` for what is no schema or allows nothing, and `grammar/unsupported-schema`, which names the path
 * and the keyword, for what cannot be enforced or is too large.
 */
export function compileSchema(schema: unknown, options: { strict?: boolean } = {}): CompiledSchema {
  const compiler = new Compiler(schema, options.strict ?? false);
  const root = compiler.compile(schema);
  return { automaton: new StackAutomaton(root), notes: compiler.notes };
}

/** Any JSON object, or any JSON value. Default: an object. */
export function anyJson(options: { root?: 'object' | 'any' } = {}): CompiledSchema {
  return compileSchema(options.root === 'any' ? true : { type: 'object' });
}
