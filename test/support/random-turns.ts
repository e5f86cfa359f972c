import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import {
  type ChatEnd,
  type ChatOptions,
  type LoadedModel,
  OssiaError,
  recover,
  type ToolCall,
  type ToolDeclaration,
} from '../../src/index.ts';
import { objectSchemas, schemas } from './random-schemas.ts';

/** One turn to sample: what the model may call, what it has to answer with, and how its tokens are drawn. */
export type TurnCase = Required<Pick<ChatOptions, 'tools' | 'maxTokens' | 'seed'>> &
  Pick<ChatOptions, (typeof HELD)[number] | 'builtins' | 'responseFormat'> & {
    /** After how many tokens the turn is told to answer. */
    readonly hurryAfter?: number;
  };

/** Options that only a constraint can hold. */
const HELD = ['toolChoice', 'maxReasoningTokens', 'reserve', 'ignoreEnd'] as const;

/** Names that are prefixes of each other, look like words of a header, or hold a dot. */
const NAMES = ['read', 'read_file', 'readme', 'json', 'code', 'to', 'functions', 'get.weather', 'final-1', 'analysis'];

const declarations: fc.Arbitrary<ToolDeclaration[]> = fc
  .uniqueArray(fc.constantFrom(...NAMES), { maxLength: 4 })
  .chain((names) => fc.tuple(...names.map((name) => fc.option(objectSchemas).map((schema) => declare(name, schema)))));

function declare(name: string, schema: object | null): ToolDeclaration {
  return schema === null ? { name } : { name, parameters: schema };
}

export const turnCases: fc.Arbitrary<TurnCase> = fc
  .record({
    tools: declarations,
    builtins: fc.constantFrom(
      undefined,
      undefined,
      ['python'] as const,
      ['browser'] as const,
      ['browser', 'python'] as const,
    ),
    choice: fc.constantFrom('auto', 'auto', 'none', 'required', 'named', 'builtin'),
    format: fc.option(fc.oneof(fc.constant('json_object' as const), schemas), { freq: 2 }),
    maxReasoningTokens: fc.option(fc.nat(30), { freq: 1, nil: undefined }),
    maxTokens: fc.oneof(fc.integer({ min: 1, max: 40 }), { weight: 3, arbitrary: fc.integer({ min: 70, max: 150 }) }),
    reserve: fc.option(fc.nat(60), { freq: 1, nil: undefined }),
    ignoreEnd: fc.option(fc.constant(true), { freq: 8, nil: undefined }),
    hurryAfter: fc.option(fc.nat(40), { freq: 1, nil: undefined }),
    seed: fc.nat(),
  })
  .map(({ choice, format, ...turn }) => ({
    ...given(turn),
    toolChoice: toolChoice(choice, turn.tools, turn.builtins),
    ...(format === null
      ? {}
      : { responseFormat: format === 'json_object' ? format : { name: 'answer', schema: format } }),
  }));

type Given<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** Leaves out what is undefined. */
function given<T extends object>(options: T): Given<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T>;
}

function toolChoice(
  choice: string,
  tools: readonly ToolDeclaration[],
  builtins: readonly string[] = [],
): NonNullable<ChatOptions['toolChoice']> {
  const [first, second] = choice === 'builtin' ? [builtins[0], tools[0]?.name] : [tools[0]?.name, builtins[0]];
  const name = first ?? second;
  if (choice === 'none' || choice === 'auto' || name === undefined) return choice === 'none' ? 'none' : 'auto';
  return choice === 'required' ? 'required' : { name };
}

export interface SampledTurn {
  readonly ids: readonly number[];
  readonly calls: readonly (ToolCall & { readonly status: string })[];
  /** Absent: the turn was refused. */
  readonly end?: ChatEnd;
}

/** Samples one turn, hot, with control tokens and quotes more likely than a random model has them: so that turns end. */
export async function sampleTurn(model: LoadedModel, turn: TurnCase, constrain: boolean): Promise<SampledTurn> {
  const { hurryAfter, ...rest } = turn;
  const isFree = ([name]: [string, unknown]) => constrain || !HELD.some((held) => held === name);
  const options: ChatOptions = Object.fromEntries(Object.entries(rest).filter(isFree));
  const likely = [
    ...model.tokenizer.specials.values(),
    ...['"', '"}', '",', ']', '}'].flatMap(model.tokenizer.encode, model.tokenizer),
  ];
  const ids: number[] = [];
  const calls: (ToolCall & { status: string })[] = [];
  const answerNow = new AbortController();
  let end: ChatEnd | undefined;
  try {
    for await (const event of model.chat('Say something.', {
      ...options,
      answerNow: answerNow.signal,
      constrain,
      date: null,
      temperature: 1.5,
      topLogprobs: 0,
      logitBias: Object.fromEntries(likely.map((id) => [id, 8.5])),
    })) {
      if (event.type === 'token') ids.push(event.id);
      if (event.type === 'tool_call') calls.push(event);
      if (event.type === 'end') end = event;
      if (ids.length === hurryAfter) answerNow.abort();
    }
  } catch (error) {
    if (error instanceof OssiaError && error.code === 'harmony/bad-constraint') return { ids, calls };
    throw error;
  }
  assert.ok(end);
  return { ids, calls, end };
}

/** Throws unless the turn is what its case allows; otherwise says how it ended. */
export function checkTurn(model: LoadedModel, turn: TurnCase, { ids, calls, end }: SampledTurn): string {
  const { tokenizer } = model;
  const mustCall = turn.toolChoice === 'required' || typeof turn.toolChoice === 'object';
  if (end === undefined) {
    assert.ok(turn.maxTokens < 100 && ids.length === 0 && (mustCall || turn.responseFormat), 'refused without need');
    return 'refused';
  }
  checkThoughts(turn, bodies(model, ids), end);
  if (turn.toolChoice === 'none') assert.equal(calls.length, 0);
  const last = tokenizer.decode(ids.slice(-1));
  if (last !== '<|call|>' && last !== '<|return|>') {
    assert.deepEqual([end.reason, ids.length], ['length', turn.maxTokens]);
    assert.ok(calls.every(({ status }) => status === 'incomplete'));
    return 'cut by the limit';
  }
  const { messages, repairs } = recover(ids, tokenizer, turn);
  assert.deepEqual([repairs, end.repairs], [[], []]);
  assert.equal(end.reason, last === '<|call|>' ? 'tool_calls' : 'stop');
  assert.equal(calls.length, last === '<|call|>' ? 1 : 0);
  if (mustCall) assert.equal(last, '<|call|>');
  if (last === '<|call|>') return checkCall(turn, calls[0]!);
  const answer = messages.at(-1)!.content;
  const { responseFormat } = turn;
  if (responseFormat === undefined) {
    assert.notEqual(turn.ignoreEnd, true);
    return 'ended with a text';
  }
  assertValid(typeof responseFormat === 'object' ? responseFormat.schema : { type: 'object' }, answer);
  return 'ended with JSON';
}

function checkCall(
  { tools, toolChoice, builtins = [], ignoreEnd }: TurnCase,
  call: SampledTurn['calls'][number],
): string {
  assert.equal(call.status, 'complete');
  const named = typeof toolChoice === 'object' ? toolChoice.name : undefined;
  if (call.builtin) {
    const namespace = builtins.find((name) => call.name === name || call.name.startsWith(`${name}.`));
    assert.ok(namespace !== undefined && (named ?? namespace) === namespace);
    if (namespace === 'browser') assertValid({ type: 'object' }, call.arguments);
    else assert.notEqual(ignoreEnd, true);
    return 'ended with a call of a builtin';
  }
  const tool = tools.find(({ name }) => name === call.name);
  assert.ok(tool && (named ?? tool.name) === tool.name);
  assertValid(tool.parameters ?? { type: 'object' }, call.arguments);
  return 'ended with a call';
}

/** Thoughts keep to their budget, leave what is to be left for the answer, and what closed them is said. */
function checkThoughts(turn: TurnCase, parts: readonly Body[], { reason, reasoningCut }: ChatEnd): void {
  const { maxReasoningTokens = Number.POSITIVE_INFINITY, reserve = 0, maxTokens } = turn;
  const thought = parts.filter(({ header }) => header === 'analysis').reduce((sum, { ids }) => sum + ids.length, 0);
  assert.ok(thought <= maxReasoningTokens, 'thinks too long');
  if (reasoningCut === 'answer_now') assert.notEqual(turn.hurryAfter, undefined);
  assert.notEqual(reasoningCut, 'loop'); // none is long enough
  const last = parts.at(-1);
  const wasLast = last?.header === 'analysis' || last === undefined;
  if (thought === maxReasoningTokens && thought > 0 && !wasLast) assert.equal(reasoningCut, 'budget');
  if (reasoningCut === 'budget' && thought < maxReasoningTokens) {
    assert.ok(reserve > 0);
    if (reason === 'length' && last?.header === 'final') assert.ok(last.ids.length >= reserve, 'keeps too little');
  }
  // Headers in splits that no model would choose may cost a part of what was kept for the answer, but not all of it.
  if (reason !== 'length' || reserve === 0 || maxTokens < reserve + 60) return;
  assert.ok(!wasLast && last.header !== 'commentary', 'leaves nothing for the answer');
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });

function assertValid(schema: unknown, json: string): void {
  const validate: ValidateFunction = ajv.compile(schema as object);
  assert.ok(
    validate(JSON.parse(json)),
    `${json} is not valid under ${JSON.stringify(schema)}: ${ajv.errorsText(validate.errors)}`,
  );
}

interface Body {
  /** The words before `<|message|>`. */
  readonly header: string;
  /** Without its stop token. */
  readonly ids: readonly number[];
}

/** The messages of a turn, read without a parser: the last one may not have come to its end. */
function bodies({ tokenizer }: LoadedModel, ids: readonly number[]): Body[] {
  const names = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  const found: { header: string; ids: number[] }[] = [];
  let header = '';
  let isBody = false;
  for (const id of ids) {
    const control = names.get(id);
    if (control === '<|message|>') found.push({ header, ids: [] });
    if (control !== undefined) isBody = control === '<|message|>';
    if (control === '<|channel|>') header = '';
    if (control !== undefined) continue;
    if (isBody) found.at(-1)!.ids.push(id);
    else header += tokenizer.decode([id]);
  }
  return found;
}
