import type { Usage } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { AnswerTokens } from '../answer-tokens.ts';
import { merge } from '../chat-completions/merge.ts';
import { finishReason, usageOf } from '../chat-completions/report.ts';
import { checkInTime } from '../chat-completions/response.ts';
import type { Turn } from '../chat-completions/turns.ts';
import { openAiError } from '../errors.ts';
import type { SseEvent } from '../reply.ts';
import { LegacyLogprobsWriter } from './logprobs.ts';

export interface ChunkOptions {
  /** What every chunk says of itself. */
  readonly head: object;
  readonly tokenizer: Tokenizer;
  /** Repeated before each text; empty texts are not. */
  readonly echoes: readonly string[];
  /** Alternatives beside each token; undefined: no logprobs. */
  readonly logprobs: number | undefined;
  readonly includeUsage: boolean;
  readonly answersPerPrompt: number;
  readonly signal: AbortSignal;
}

/** The texts of a request as chunks, ending with `[DONE]`, or with an error in place of it. */
export async function* chunks(
  turns: readonly Turn[],
  { head, tokenizer, echoes, logprobs, includeUsage, answersPerPrompt, signal }: ChunkOptions,
): AsyncGenerator<SseEvent, void, undefined> {
  const chunk = (choices: readonly object[], more: object = {}): SseEvent => ({
    data: { ...head, choices, ...(includeUsage ? { usage: null } : {}), ...more },
  });
  const choice = (index: number, text: string, more: object = {}) => ({
    index,
    text,
    logprobs: null,
    finish_reason: null,
    ...more,
  });
  const readers = turns.map(() => new AnswerTokens(tokenizer));
  const writers = turns.map(() => new LegacyLogprobsWriter(logprobs ?? 0));
  const usages: Usage[] = [];
  try {
    for (const [index, echo] of echoes.entries()) if (echo !== '') yield chunk([choice(index, echo)]);
    for await (const { index, value } of merge(turns)) {
      const tokens = readers[index]!.push(value);
      if (value.type === 'text') {
        const more = logprobs === undefined ? {} : { logprobs: writers[index]!.write(tokens) };
        yield chunk([choice(index, value.delta, more)]);
      } else if (value.type === 'usage') usages[index] = value;
      else if (value.type === 'end') {
        checkInTime(value, signal);
        const stop = value.stop === undefined ? {} : { stop_reason: value.stop };
        const finish = { finish_reason: finishReason(value, [], false), ...stop };
        yield chunk([choice(index, '', finish)], { seed: value.seed });
      }
    }
    if (includeUsage) yield chunk([], { usage: usageOf(usages, answersPerPrompt) });
    yield { data: '[DONE]' };
  } catch (error) {
    yield { data: openAiError(error).body };
  }
}
