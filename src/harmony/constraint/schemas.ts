import { OssiaError } from '../../base/index.ts';
import { anyJson, type CompiledSchema, compileSchema, type SchemaNote } from '../../grammar/index.ts';
import { isJsonObject, member, members, stringifyJson } from '../json.ts';
import { takesText } from '../recovery/arguments.ts';
import type { AnswerFormat, ConstrainedTool, TurnPlan } from './options.ts';

/** Where a schema could not be held exactly, and what is held instead. */
export interface ConstraintNote extends SchemaNote {
  /** The function whose arguments it is about; absent: the answer. */
  readonly tool?: string;
}

/**
 * Milliseconds that the schemas of one turn may take to compile, beyond the last of them. Each has bounds of its own, but a turn may
 * have hundreds, and nothing else happens meanwhile. Those of people take less than one each.
 */
const MAX_COMPILE_MS = 5_000;

/** Schemas as automata. Agents send the same tools turn after turn, so the latest are kept. */
export class SchemaCache {
  readonly #kept = new Map<string, CompiledSchema>();
  readonly #limit: number;

  constructor(limit = 256) {
    this.#limit = limit;
  }

  /** What the arguments of a function must be; undefined: any text. Throws `grammar/unsupported-schema` for a strict one. */
  ofTool({ parameters, strict }: ConstrainedTool): CompiledSchema | undefined {
    if (takesText(parameters)) return undefined;
    if (parameters === undefined || parameters === null || strict === false) return this.anyObject();
    if (typeof parameters === 'object' && Object.keys(parameters).length === 0) return this.anyObject();
    return this.#compile(asObject(parameters), strict ?? false);
  }

  /** What the answer must be; undefined: any text. */
  ofAnswer(format: AnswerFormat): CompiledSchema | undefined {
    if (format.type === 'text') return undefined;
    return format.type === 'json_object' ? this.anyObject() : this.#compile(format.schema, format.strict ?? false);
  }

  anyObject(): CompiledSchema {
    return this.#keep('any', () => anyJson({ root: 'object' }));
  }

  #compile(schema: unknown, strict: boolean): CompiledSchema {
    return this.#keep(`${strict}${stringifyJson(schema)}`, () => compileSchema(schema, { strict }));
  }

  #keep(key: string, make: () => CompiledSchema): CompiledSchema {
    const compiled = this.#kept.get(key) ?? make();
    this.#kept.delete(key); // moves it to the end: the first is the one used longest ago
    this.#kept.set(key, compiled);
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
    return compiled;
  }
}

/** Arguments are an object unless the schema asks for something else outright: many leave `type` out, or add null to it. */
function asObject(schema: unknown): unknown {
  if (!isJsonObject(schema)) return schema;
  const type = member(schema, 'type');
  const mayBeObject = type === undefined || (Array.isArray(type) && type.includes('object'));
  return mayBeObject ? { ...Object.fromEntries(members(schema)), type: 'object' } : schema;
}

/** The schemas of one turn, all compiled before its first token. */
export interface TurnSchemas {
  /** By index of the plan's functions; undefined: any text. */
  readonly functions: readonly (CompiledSchema | undefined)[];
  readonly answer: CompiledSchema | undefined;
  readonly anyObject: CompiledSchema;
  readonly notes: readonly ConstraintNote[];
}

/** Throws `grammar/unsupported-schema` when they take longer than `maxMs`; those that are compiled stay so. */
export function compileTurn(plan: TurnPlan, cache: SchemaCache, maxMs = MAX_COMPILE_MS): TurnSchemas {
  const started = performance.now();
  const functions = plan.functions.map((tool, i) => {
    if (performance.now() - started > maxMs) throw tooSlow(i, plan.functions.length);
    return cache.ofTool(tool);
  });
  const answer = plan.mustCall ? undefined : cache.ofAnswer(plan.responseFormat);
  const notes: ConstraintNote[] = plan.functions.flatMap(({ name }, i) =>
    (functions[i]?.notes ?? []).map((note) => ({ ...note, tool: name })),
  );
  return { functions, answer, anyObject: cache.anyObject(), notes: [...notes, ...(answer?.notes ?? [])] };
}

function tooSlow(done: number, all: number): OssiaError {
  const message = `Cannot compile the schemas of ${all} functions: the first ${done} have taken too long`;
  return new OssiaError('grammar/unsupported-schema', message);
}
