import type { ChatEvent } from '../../chat/index.ts';
import { openAiError } from '../errors.ts';
import type { SseEvent } from '../reply.ts';
import { ChoiceDeltas } from './deltas.ts';
import { merge } from './merge.ts';
import { type Report, reportOf, usageOf } from './report.ts';
import { type AnswerForm, checkInTime } from './response.ts';

export interface ChunkOptions {
  /** What every chunk says of itself. */
  readonly head: {
    readonly id: string;
    readonly created: number;
    readonly model: string;
    readonly system_fingerprint: string;
  };
  readonly form: AnswerForm;
  /** Whether the last chunk says what the answer took. */
  readonly includeUsage: boolean;
  readonly notes: Report['notes'];
  readonly signal: AbortSignal;
}

/** The turns of a request as Chat Completions chunks, ending with `[DONE]`, or with an error in place of it. */
export async function* chunks(
  turns: readonly AsyncIterableIterator<ChatEvent>[],
  { head, form, includeUsage, notes, signal }: ChunkOptions,
): AsyncGenerator<SseEvent, void, undefined> {
  const chunk = (choices: readonly object[], more: object = {}): SseEvent => {
    const usage = includeUsage ? { usage: null } : {};
    return { data: { ...head, choices, ...usage, ...more } };
  };
  const choice = (index: number, delta: object, more: object = {}) => ({
    index,
    delta,
    logprobs: null,
    finish_reason: null,
    ...more,
  });
  const choices = turns.map(() => new ChoiceDeltas(form));
  try {
    for (const index of turns.keys()) yield chunk([choice(index, { role: 'assistant', content: '' })]);
    for await (const { index, value } of merge(turns)) {
      const deltas = choices[index]!;
      for (const { delta, logprobs } of deltas.push(value)) {
        const content = form.logprobs && logprobs ? { logprobs: { content: logprobs, refusal: null } } : {};
        yield chunk([choice(index, delta, content)]);
      }
      if (value.type !== 'end') continue;
      checkInTime(value, signal);
      yield chunk([choice(index, {}, deltas.finish)], {
        seed: value.seed,
        ...reportOf([{ end: value, cutCalls: deltas.cutCalls }], notes),
      });
    }
    const usage = choices.flatMap((one) => (one.usage ? [one.usage] : []));
    if (includeUsage) yield chunk([], { usage: usageOf(usage) });
    yield { data: '[DONE]' };
  } catch (error) {
    yield { data: openAiError(error).body };
  }
}
