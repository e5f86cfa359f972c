import { type ChatOptions, StopStrings } from '../../chat/index.ts';
import type { EndEvent, GenerateParams } from '../../engine/index.ts';
import type { Lease } from '../host.ts';
import { json, type Reply } from '../reply.ts';
import { badRequest } from '../validate.ts';
import { errorText } from './errors.ts';
import { nanoseconds, timestamp } from './time.ts';

export interface RawTurn {
  readonly name: string;
  readonly lease: Lease;
  readonly prompt: string;
  readonly options: ChatOptions;
  readonly stream: boolean;
  /** By `performance.now()`. */
  readonly startedAt: number;
}

type RawPart = { readonly text: string } | { readonly end: EndEvent };

/**
 * `raw: true`: the prompt goes to the model as it is, control tokens by name included, and what comes is shown as it is: whoever
 * asks for this wants to see the markup. Nothing is held to a form. Releases the lease.
 */
export async function rawReply(turn: RawTurn, signal: AbortSignal): Promise<Reply> {
  const parts = rawParts(turn, signal);
  const first = await parts.next(); // what is wrong with the request shows here, while a status can be sent
  if (turn.stream) return { type: 'ndjson', lines: lines(turn, first, parts) };
  let response = '';
  for (let next = first; !next.done; next = await parts.next()) {
    if ('text' in next.value) response += next.value.text;
    else return json({ ...line(turn, response), ...summary(turn, next.value.end) });
  }
  throw new TypeError('The generation ended without an end');
}

async function* rawParts(turn: RawTurn, signal: AbortSignal): AsyncGenerator<RawPart, void, undefined> {
  const { lease, prompt } = turn;
  try {
    const { stop, params } = rawParams(turn);
    const stops = new StopStrings(stop);
    const stopped = new AbortController();
    const { tokenizer } = lease.model;
    const decoder = tokenizer.stream();
    const ids = tokenizer.encodeWithSpecials(prompt);
    const signals = AbortSignal.any([signal, stopped.signal]);
    for await (const event of lease.model.generate(ids, params, { signal: signals })) {
      if (event.type === 'end') {
        const rest = stopped.signal.aborted ? '' : stops.push(decoder.flush()).text + stops.flush();
        if (rest !== '') yield { text: rest };
        yield { end: stopped.signal.aborted ? { ...event, reason: 'stop' } : event };
      } else if (!stopped.signal.aborted) {
        const { text, hit } = stops.push(decoder.push(event.id));
        if (text !== '') yield { text };
        if (hit !== undefined) stopped.abort();
      }
    }
  } finally {
    lease.release();
  }
}

/** What of a turn's options means something for bare text. */
function rawParams({ lease, options }: RawTurn): { readonly stop: readonly string[]; readonly params: GenerateParams } {
  const { responseFormat, topLogprobs, truncation: _t, maxReasoningTokens: _m, ...given } = options;
  if (responseFormat !== undefined) throw badRequest('format: a raw prompt is not held to a format', 'format');
  if (topLogprobs !== undefined) throw badRequest('logprobs: there are none for a raw prompt', 'logprobs');
  const { stop = [], effort: _e, ...params } = { ...lease.preset?.parameters, ...given };
  return { stop: typeof stop === 'string' ? [stop] : stop, params };
}

async function* lines(
  turn: RawTurn,
  first: IteratorResult<RawPart, void>,
  parts: AsyncGenerator<RawPart, void, undefined>,
): AsyncGenerator<object, void, undefined> {
  try {
    for (let next = first; !next.done; next = await parts.next()) {
      if ('text' in next.value) yield { ...line(turn, next.value.text), done: false };
      else yield { ...line(turn, ''), ...summary(turn, next.value.end) };
    }
  } catch (error) {
    yield { error: errorText(error) };
  } finally {
    await parts.return();
  }
}

function line({ name }: RawTurn, response: string): object {
  return { model: name, created_at: timestamp(), response };
}

function summary({ startedAt, lease }: RawTurn, { reason, promptTokens, outputTokens, timing }: EndEvent): object {
  return {
    done: true,
    done_reason: reason,
    total_duration: nanoseconds(performance.now() - startedAt),
    load_duration: nanoseconds(lease.loadMs),
    prompt_eval_count: promptTokens,
    prompt_eval_duration: nanoseconds(timing.prefillMs),
    eval_count: outputTokens,
    eval_duration: nanoseconds(timing.decodeMs),
  };
}
