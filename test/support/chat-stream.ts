import assert from 'node:assert/strict';
import { sseEvents } from './sse.ts';

/** JSON from outside, looked into by tests. */
// biome-ignore lint/suspicious/noExplicitAny: tests read bodies of many shapes, and fail where a shape is another
export type Json = any;

export interface StreamedCall {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  arguments: string;
}

/** A choice put together from its chunks. */
export interface StreamedChoice {
  content: string;
  reasoning: string;
  readonly calls: StreamedCall[];
  readonly logprobs: Json[];
  finishReason: string | undefined;
  hasRole: boolean;
}

export interface ChatStream {
  readonly choices: StreamedChoice[];
  readonly chunks: readonly Json[];
  readonly usage: Json;
  /** The error that ended it, in place of `[DONE]`. */
  readonly error: Json;
  readonly ossia: Json;
}

/**
 * Reads a stream of Chat Completions as the strictest of its clients would: every chunk has to be what the state of its choice
 * allows. Fails at the first that is not.
 */
export function readChatStream(
  text: string,
  { usage: wantsUsage = false, choices: count = 1, jsonArguments = true } = {},
): ChatStream {
  const events = sseEvents(text);
  const last = events.at(-1)?.data ?? assert.fail('an empty stream');
  const error = last === '[DONE]' ? undefined : JSON.parse(last).error;
  if (last !== '[DONE]') checkError(error);
  const chunks: Json[] = events.slice(0, -1).map(({ data }) => JSON.parse(data));
  for (const chunk of chunks) checkHead(chunk, chunks[0]);
  const choices = Array.from({ length: count }, newChoice);
  let usage: Json;
  let ossia: Json;
  for (const [at, chunk] of chunks.entries()) {
    if (chunk.choices.length === 0) {
      assert.ok(
        wantsUsage && at === chunks.length - 1 && error === undefined,
        'usage comes once, at the end, when asked',
      );
      checkUsage(chunk.usage);
      usage = chunk.usage;
      continue;
    }
    assert.equal(chunk.choices.length, 1);
    assert.equal(chunk.usage, wantsUsage ? null : undefined);
    const [choice] = chunk.choices;
    readChoice(choice, choices[choice.index] ?? assert.fail(`no choice ${choice.index} was asked for`));
    if (jsonArguments) checkArguments(choices[choice.index]!);
    if (chunk.ossia !== undefined) ossia = chunk.ossia;
  }
  if (error === undefined) {
    assert.equal(usage !== undefined, wantsUsage, 'usage is there when it was asked for');
    for (const choice of choices) assert.ok(choice.finishReason, 'every choice says how it ended');
  }
  return { choices, chunks, usage, error, ossia };
}

function newChoice(): StreamedChoice {
  return { content: '', reasoning: '', calls: [], logprobs: [], finishReason: undefined, hasRole: false };
}

function checkHead(chunk: Json, first: Json): void {
  assert.equal(chunk.object, 'chat.completion.chunk');
  assert.match(chunk.id, /^chatcmpl-/);
  assert.ok(Array.isArray(chunk.choices), 'choices is there, be it empty');
  for (const key of ['id', 'created', 'model', 'system_fingerprint']) assert.equal(chunk[key], first[key], key);
  assert.ok(Number.isInteger(chunk.created) && chunk.model !== '' && /^fp_/.test(chunk.system_fingerprint));
}

export function checkError(error: Json): void {
  assert.deepEqual(Object.keys(error).sort(), ['code', 'message', 'param', 'type']);
  assert.equal(typeof error.message, 'string');
  assert.equal(typeof error.type, 'string');
}

export function checkUsage(usage: Json): void {
  const { prompt_tokens: prompt, completion_tokens: completion } = usage;
  const cached = usage.prompt_tokens_details.cached_tokens;
  const reasoning = usage.completion_tokens_details.reasoning_tokens;
  for (const count of [prompt, completion, cached, reasoning]) assert.ok(Number.isInteger(count) && count >= 0);
  assert.equal(usage.total_tokens, prompt + completion);
  assert.ok(cached <= prompt && reasoning <= completion, JSON.stringify(usage));
}

function readChoice({ index: _, delta, logprobs, finish_reason: finish, ...rest }: Json, state: StreamedChoice): void {
  assert.deepEqual(
    Object.keys(rest).filter((key) => key !== 'stop_reason'),
    [],
  );
  assert.equal(state.finishReason, undefined, 'nothing comes after finish_reason');
  if (!state.hasRole) {
    assert.deepEqual([delta, logprobs, finish], [{ role: 'assistant', content: '' }, null, null]);
    state.hasRole = true;
    return;
  }
  if (finish !== null) {
    assert.deepEqual([delta, logprobs], [{}, null]);
    finishChoice(finish, state);
    return;
  }
  const keys = Object.keys(delta).sort().join();
  if (logprobs !== null) {
    assert.deepEqual([keys, Object.keys(logprobs), logprobs.refusal], ['content', ['content', 'refusal'], null]);
    state.logprobs.push(...logprobs.content);
  }
  if (keys === 'content') state.content += notEmpty(delta.content);
  else if (keys === 'reasoning,reasoning_content') {
    assert.equal(delta.reasoning, delta.reasoning_content);
    state.reasoning += notEmpty(delta.reasoning);
  } else if (keys === 'tool_calls') readCall(delta.tool_calls, state.calls);
  else if (keys === 'function_call') readLegacyCall(delta.function_call, state.calls);
  else assert.fail(`a delta with ${keys}`);
}

function notEmpty(text: unknown): string {
  assert.ok(typeof text === 'string' && text !== '', 'a delta says something');
  return text;
}

/** A head with id, type and name, then pieces of its arguments; one call after the other. */
function readCall(deltas: Json, calls: StreamedCall[]): void {
  assert.equal(deltas.length, 1);
  const [{ index, id, type, ...body }] = deltas;
  const kind = Object.keys(body).join();
  assert.ok(kind === 'function' || kind === 'custom', kind);
  const argument = kind === 'custom' ? 'input' : 'arguments';
  const { name, [argument]: piece, ...rest } = body[kind];
  assert.deepEqual(rest, {});
  if (index === calls.length) {
    assert.deepEqual([type, piece], [kind, '']);
    assert.ok(/^call_\w+$/.test(id) && calls.every((call) => call.id !== id), 'ids are unique');
    assert.match(name, /./);
    calls.push({ id, type, name, arguments: '' });
    return;
  }
  assert.deepEqual([index, id, type, name], [calls.length - 1, undefined, undefined, undefined]);
  calls.at(-1)!.arguments += notEmpty(piece);
}

function readLegacyCall({ name, arguments: piece }: Json, calls: StreamedCall[]): void {
  if (calls.length > 0) calls[0]!.arguments += notEmpty(piece);
  else calls.push({ id: '', type: 'legacy', name: notEmpty(name), arguments: piece });
}

function finishChoice(finish: string, state: StreamedChoice): void {
  assert.ok(['stop', 'length', 'tool_calls', 'function_call'].includes(finish), finish);
  if (finish === 'tool_calls' || finish === 'function_call') {
    assert.ok(state.calls.length > 0, 'tool_calls come with calls');
  }
  if (finish === 'stop') assert.deepEqual(state.calls, [], 'calls end with tool_calls');
  state.finishReason = finish;
}

/** Once a choice says that it waits for its calls to be carried out, they can be read. */
function checkArguments({ finishReason, calls }: StreamedChoice): void {
  if (finishReason !== 'tool_calls' && finishReason !== 'function_call') return;
  for (const call of calls) if (call.type !== 'custom') JSON.parse(call.arguments);
}
