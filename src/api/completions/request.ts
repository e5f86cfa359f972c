import type { ContinueOptions } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { checkRefused, given, samplingOf, stopsOf } from '../sampling.ts';
import { badRequest } from '../validate.ts';
import type { CompletionRequest } from './schema.ts';

/** Throws `api/bad-request` for what would have to be ignored. */
export function toContinueOptions(request: CompletionRequest): ContinueOptions {
  checkRefused(request);
  const { best_of: bestOf, n, suffix, echo, logprobs, response_format: format } = request;
  if (suffix) throw badRequest('suffix: gpt-oss was not trained to fill in the middle', 'suffix');
  if (bestOf != null && bestOf !== (n ?? 1)) {
    throw badRequest('best_of: all answers are given, so it can only be equal to n', 'best_of');
  }
  if (echo === true && logprobs != null) {
    throw badRequest('logprobs: there are none of the prompt; leave out echo or logprobs', 'logprobs');
  }
  if (format != null) throw badRequest('response_format: use /v1/chat/completions for it', 'response_format');
  return {
    ...samplingOf(request),
    showControls: request.skip_special_tokens === false,
    ...given({ stop: stopsOf(request), topLogprobs: logprobs }),
  };
}

/** A prompt as ids, and as the text that `echo` repeats. */
export interface Prompt {
  readonly ids: readonly number[];
  readonly text: string;
}

/**
 * The prompts of a request. In texts, names of control tokens are text like any other; ids may be any that the vocabulary
 * has. An empty text is the beginning of a document, which is a token.
 */
export function toPrompts({ prompt }: CompletionRequest, tokenizer: Tokenizer): Prompt[] {
  const list = (typeof prompt === 'string' || typeof prompt[0] === 'number' ? [prompt] : prompt) as (
    | string
    | number[]
  )[];
  return list.map((one, index) => {
    if (typeof one === 'string') return { ids: idsOf(one, tokenizer), text: one };
    const unknown = one.find((id) => id >= tokenizer.vocabSize);
    if (unknown === undefined) return { ids: one, text: tokenizer.decode(one) };
    const param = list.length === 1 ? 'prompt' : `prompt[${index}]`;
    throw badRequest(`${param}: there is no token ${unknown}; ids go to ${tokenizer.vocabSize - 1}`, param);
  });
}

function idsOf(text: string, tokenizer: Tokenizer): number[] {
  const ids = tokenizer.encode(text);
  const separator = tokenizer.specials.get('<|endoftext|>');
  return ids.length === 0 && separator !== undefined ? [separator] : ids;
}
