import assert from 'node:assert/strict';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import {
  type ChatEnd,
  type ChatOptions,
  type LoadedModel,
  recover,
  type ToolCall,
  type ToolDeclaration,
} from '../../src/index.ts';
import { objectSchemas, schemas } from './random-schemas.ts';

/** One turn to sample: what the model may call, what it has to answer with, and how its tokens are drawn. */
export type TurnCase = Required<Pick<ChatOptions, 'tools' | 'maxTokens' | 'seed'>> &
  Pick<ChatOptions, 'toolChoice' | 'responseFormat' | 'maxReasoningTokens'>;

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
    choice: fc.constantFrom('auto', 'auto', 'none', 'required', 'named'),
    format: fc.option(fc.oneof(fc.constant('json_object' as const), schemas), { freq: 2 }),
    maxReasoningTokens: fc.option(fc.nat(30), { freq: 1, nil: undefined }),
    maxTokens: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 150, max: 250 })),
    seed: fc.nat(),
  })
  .map(({ tools, choice, format, maxReasoningTokens, maxTokens, seed }) => ({
    tools,
    maxTokens,
    seed,
    toolChoice: toolChoice(choice, tools),
    ...(format === null
      ? {}
      : { responseFormat: format === 'json_object' ? format : { name: 'answer', schema: format } }),
    ...(maxReasoningTokens === undefined ? {} : { maxReasoningTokens }),
  }));

function toolChoice(choice: string, tools: readonly ToolDeclaration[]): NonNullable<ChatOptions['toolChoice']> {
  const [first] = tools;
  if (choice === 'none' || choice === 'auto' || first === undefined) return choice === 'none' ? 'none' : 'auto';
  return choice === 'required' ? 'required' : { name: first.name };
}

export interface SampledTurn {
  readonly ids: readonly number[];
  readonly calls: readonly (ToolCall & { readonly status: string })[];
  readonly end: ChatEnd;
}

/** Samples one turn, hot, with control tokens and quotes more likely than a random model has them: so that turns end. */
export async function sampleTurn(model: LoadedModel, turn: TurnCase, constrain: boolean): Promise<SampledTurn> {
  const { toolChoice, maxReasoningTokens, ...rest } = turn;
  const held = constrain ? { toolChoice, maxReasoningTokens } : {};
  const given = Object.fromEntries(Object.entries(held).filter(([, value]) => value !== undefined));
  const likely = [
    ...model.tokenizer.specials.values(),
    ...['"', '"}', '",', ']', '}'].flatMap(model.tokenizer.encode, model.tokenizer),
  ];
  const ids: number[] = [];
  const calls: (ToolCall & { status: string })[] = [];
  let end: ChatEnd | undefined;
  for await (const event of model.chat('Say something.', {
    ...rest,
    ...given,
    constrain,
    date: null,
    temperature: 1.5,
    topLogprobs: 0,
    logitBias: Object.fromEntries(likely.map((id) => [id, 7])),
  })) {
    if (event.type === 'token') ids.push(event.id);
    if (event.type === 'tool_call') calls.push(event);
    if (event.type === 'end') end = event;
  }
  assert.ok(end);
  return { ids, calls, end };
}

/** Throws unless the turn is what its case allows; otherwise says how it ended. */
export function checkTurn(model: LoadedModel, turn: TurnCase, { ids, calls, end }: SampledTurn): string {
  const { tokenizer } = model;
  const { toolChoice = 'auto' } = turn;
  assert.ok(reasoningIds(model, ids) <= (turn.maxReasoningTokens ?? Number.POSITIVE_INFINITY), 'thinks too long');
  if (toolChoice === 'none') assert.equal(calls.length, 0);
  const last = tokenizer.decode(ids.slice(-1));
  if (last !== '<|call|>' && last !== '<|return|>') {
    assert.deepEqual([end.reason, ids.length], ['length', turn.maxTokens]);
    assert.ok(calls.every(({ status }) => status === 'incomplete'));
    return 'cut by the limit';
  }
  const { messages, repairs } = recover(ids, tokenizer, { tools: turn.tools });
  assert.deepEqual([repairs, end.repairs], [[], []]);
  assert.equal(end.reason, last === '<|call|>' ? 'tool_calls' : 'stop');
  assert.equal(calls.length, last === '<|call|>' ? 1 : 0);
  for (const call of calls) {
    const tool = turn.tools.find(({ name }) => name === call.name);
    assert.ok(tool && call.status === 'complete');
    assertValid(tool.parameters ?? { type: 'object' }, call.arguments);
  }
  if (toolChoice === 'required' || typeof toolChoice === 'object') assert.equal(last, '<|call|>');
  if (typeof toolChoice === 'object') assert.equal(calls[0]?.name, toolChoice.name);
  if (last === '<|call|>') return 'ended with a call';
  const answer = messages.at(-1)!.content;
  const { responseFormat } = turn;
  if (responseFormat === undefined) return 'ended with a text';
  assertValid(typeof responseFormat === 'object' ? responseFormat.schema : { type: 'object' }, answer);
  return 'ended with JSON';
}

const ajv = new Ajv2020({ strict: false, validateFormats: false });

function assertValid(schema: unknown, json: string): void {
  const validate: ValidateFunction = ajv.compile(schema as object);
  assert.ok(
    validate(JSON.parse(json)),
    `${json} is not valid under ${JSON.stringify(schema)}: ${ajv.errorsText(validate.errors)}`,
  );
}

/** Tokens in the bodies of thoughts. */
function reasoningIds({ tokenizer }: LoadedModel, ids: readonly number[]): number {
  const names = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  let count = 0;
  let header = '';
  let isThought = false;
  for (const id of ids) {
    const control = names.get(id);
    if (control === '<|message|>') isThought = header === 'analysis';
    else if (control === '<|channel|>') header = '';
    else if (control === undefined) {
      if (isThought) count++;
      header += tokenizer.decode([id]);
    }
    if (control !== undefined && control !== '<|message|>') isThought = false;
  }
  return count;
}
