import type { ChatOptions, ContinueOptions } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import { badRequest } from '../validate.ts';
import type { StartTurn, Wording } from './turn-reply.ts';

/**
 * `raw: true`: the prompt goes to the model as it is, control tokens by name included, and what comes is shown as it is: whoever
 * asks for this wants to see the markup. Nothing is held to a form.
 */
export function rawTurn({ model, preset }: Lease, prompt: string, options: ChatOptions): StartTurn {
  const { responseFormat, maxReasoningTokens: _m, reserve: _r, truncation: _t, ...given } = options;
  if (responseFormat !== undefined) throw badRequest('format: a raw prompt is not held to a format', 'format');
  const { stop = [], effort: _e, ...params } = { ...preset?.parameters, ...given };
  const texts = typeof stop === 'string' ? [stop] : stop;
  const continueOptions: ContinueOptions = { ...params, stop: texts, showControls: true };
  const ids = model.tokenizer.encodeWithSpecials(prompt);
  return (turns, request) => turns.continue(model, ids, continueOptions, request);
}

/** No context: the prompt is whatever its sender makes it. */
export const rawWording: Wording = {
  part: (part) => ({ response: part.type === 'content' ? part.text : '' }),
  last: () => ({ response: '' }),
  whole: ({ content = '' }) => ({ response: content }),
};
