import { type CompiledSchema, fewestTokens, shortestText } from '../../grammar/index.ts';
import { bad, type TurnPlan } from './options.ts';
import type { TurnSchemas } from './schemas.ts';
import type { TurnVocabulary } from './vocabulary.ts';

/** One way for a turn to end: a message with this header and this body. */
interface Ending {
  readonly header: string;
  /** Undefined: any text. */
  readonly schema: CompiledSchema | undefined;
}

/** The control tokens of a message that ends a turn: channel, message, and its stop token. */
const CONTROLS = 3;

/**
 * Refuses a turn whose call or JSON cannot fit into its tokens: `harmony/bad-constraint`. Free text is never refused: cut short, it
 * is still text.
 */
export function checkLimit(plan: TurnPlan, schemas: TurnSchemas, vocabulary: TurnVocabulary): void {
  if (!plan.mustCall && schemas.answer === undefined) return;
  const all = endings(plan, schemas);
  // A token has one byte at least, so most turns fit at a glance.
  if (all.some((ending) => CONTROLS + Buffer.byteLength(ending.header) + bodyBytes(ending) <= plan.maxTokens)) return;
  const least = Math.min(...all.map((ending) => fewestOf(ending, vocabulary)));
  if (!(plan.maxTokens < least)) return;
  const what = plan.mustCall ? 'the call' : 'the JSON';
  const message = `Cannot hold ${what} in ${plan.maxTokens} tokens: the shortest turn takes ${least}`;
  throw bad('maxTokens', message);
}

/** Tokens to keep free for the last message behind its header: those asked for, and what its shortest body takes. */
export function reserveOf(plan: TurnPlan, schemas: TurnSchemas, vocabulary: TurnVocabulary): number {
  const bodies = last(plan, schemas).map(({ schema }) => fewestOfBody(schema, vocabulary) + 1);
  return Math.max(plan.reserve, Math.min(...bodies));
}

/** Tokens of the longest header that the last message may need. */
export function lastHeader(plan: TurnPlan, schemas: TurnSchemas, { table }: TurnVocabulary): number {
  const sizes = last(plan, schemas).map(({ header }) => fewestTokens(table, new TextEncoder().encode(header)));
  return Math.max(...sizes) + CONTROLS - 1;
}

/** What the last message is when time is up: a call that must be made, or the answer. */
function last(plan: TurnPlan, schemas: TurnSchemas): readonly Ending[] {
  return plan.mustCall ? calls(plan, schemas) : [{ header: 'final', schema: schemas.answer }];
}

function endings(plan: TurnPlan, schemas: TurnSchemas): readonly Ending[] {
  return [...calls(plan, schemas), ...(plan.mustCall ? [] : [{ header: 'final', schema: schemas.answer }])];
}

function calls(plan: TurnPlan, schemas: TurnSchemas): readonly Ending[] {
  return [
    ...plan.functions.map(({ name }, i) => ({
      header: `commentary to=functions.${name}`,
      schema: schemas.functions[i],
    })),
    ...plan.builtins.map((name) => ({
      header: `analysis to=${name}`,
      schema: name.startsWith('browser') ? schemas.anyObject : undefined,
    })),
  ];
}

function bodyBytes({ schema }: Ending): number {
  return schema === undefined ? 1 : schema.automaton.distance(schema.automaton.start);
}

function fewestOf({ header, schema }: Ending, vocabulary: TurnVocabulary): number {
  const word = fewestTokens(vocabulary.table, new TextEncoder().encode(header));
  return CONTROLS + word + fewestOfBody(schema, vocabulary);
}

/** Of the shortest text in bytes, which need not be the one with the fewest tokens, but nearly. */
function fewestOfBody(schema: CompiledSchema | undefined, { table }: TurnVocabulary): number {
  if (schema === undefined) return 1;
  const text = shortestText(schema.automaton);
  return text === undefined ? 1 : fewestTokens(table, text);
}
