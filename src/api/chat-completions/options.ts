import type { ChatOptions } from '../../chat/index.ts';
import { checkRefused, given, samplingOf, stopsOf } from '../sampling.ts';
import { badRequest } from '../validate.ts';
import type { ChatCompletionRequest } from './schema.ts';
import { toTools } from './tools.ts';

/**
 * Tokens kept for the answer where the request says nothing, half of its limit at most: clients that ask for a title in 20 tokens
 * do not know of thoughts, and an answer that these have eaten up is empty.
 */
const RESERVE = 256;

/** How the turns of a request go. Throws `api/bad-request` for what would have to be ignored. */
export function toOptions(request: ChatCompletionRequest): ChatOptions {
  checkSupported(request);
  const logprobs = request.logprobs === true;
  if (!logprobs && request.top_logprobs != null) {
    throw badRequest('top_logprobs: expected logprobs to be true beside it', 'top_logprobs');
  }
  const maxTokens = request.max_completion_tokens ?? request.max_tokens;
  const { effort, maxReasoningTokens } = thinking(request);
  const responseFormat = formatOf(request.response_format);
  return {
    ...samplingOf(request),
    ...toTools(request),
    ...given({
      maxTokens,
      stop: stopsOf(request),
      topLogprobs: logprobs ? (request.top_logprobs ?? 0) : undefined,
      effort,
      maxReasoningTokens,
      responseFormat,
      reserve: request.reserve ?? Math.min(RESERVE, Math.floor((maxTokens ?? Number.POSITIVE_INFINITY) / 2)),
      truncation: request.truncation,
      ignoreEnd: request.ignore_eos,
    }),
  };
}

type Effort = NonNullable<ChatOptions['effort']>;

/** gpt-oss knows three efforts; what lies beyond them is the nearest one, and `none` is no thought at all. */
const EFFORTS: Readonly<Record<NonNullable<ChatCompletionRequest['reasoning_effort']>, Effort>> = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
};

function thinking(request: ChatCompletionRequest): { effort?: Effort; maxReasoningTokens?: number } {
  const { chat_template_kwargs: kwargs, reasoning } = request;
  const asked = request.reasoning_effort ?? reasoning?.effort ?? kwargs?.reasoning_effort;
  const isOff = asked === 'none' || (asked == null && (kwargs?.enable_thinking ?? reasoning?.enabled) === false);
  if (isOff) return { effort: 'low', maxReasoningTokens: 0 };
  const maxReasoningTokens = request.max_reasoning_tokens ?? reasoning?.max_tokens;
  return given({ effort: asked == null ? undefined : EFFORTS[asked], maxReasoningTokens });
}

function formatOf(format: ChatCompletionRequest['response_format']): ChatOptions['responseFormat'] {
  if (format == null || format.type === 'text') return undefined;
  if (format.type === 'json_object') return 'json_object';
  const { name, description, schema, strict } = format.json_schema;
  return { name, schema: schema ?? { type: 'object' }, ...given({ description, strict }) };
}

function checkSupported(request: ChatCompletionRequest): void {
  checkRefused(request);
  const { modalities, audio, web_search_options } = request;
  const other = modalities?.find((modality) => modality !== 'text');
  if (other !== undefined) throw badRequest(`modalities: gpt-oss writes text only, not ${other}`, 'modalities');
  if (audio != null) throw badRequest('audio: gpt-oss writes text only', 'audio');
  if (web_search_options != null) {
    throw badRequest('web_search_options: this API searches nothing; declare a function instead', 'web_search_options');
  }
}
