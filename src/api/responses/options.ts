import { OssiaError } from '../../base/index.ts';
import type { ChatOptions } from '../../chat/index.ts';
import { given, samplingOf, stopsOf } from '../sampling.ts';
import { badRequest } from '../validate.ts';
import type { CreateBody, PromptBody } from './schema.ts';
import type { Toolbox } from './tools.ts';

type Effort = NonNullable<NonNullable<PromptBody['reasoning']>['effort']>;

/** These models know three efforts. */
const EFFORTS = {
  none: 'low',
  minimal: 'low',
  low: 'low',
  medium: 'medium',
  high: 'high',
  xhigh: 'high',
  max: 'high',
  ultra: 'high',
} as const satisfies Record<Effort, ChatOptions['effort']>;

/**
 * Tokens kept for the answer where the request says nothing, half of its limit at most: a low limit would leave thoughts, and an
 * answer that is empty.
 */
const RESERVE = 256;

/** What other servers offer and this one does not; to ignore it would change the answer. */
const REFUSED = {
  guided_json: 'text.format',
  guided_regex: 'text.format, with a schema that has a pattern',
  guided_choice: 'text.format, with a schema that has an enum',
  guided_grammar: 'text.format',
  structured_outputs: 'text.format',
  response_format: 'text.format',
  bad_words: 'logit_bias',
  allowed_token_ids: 'logit_bias',
  stop_token_ids: 'stop',
  n: 'several requests',
} as const;

/** What of a request the model sees besides the conversation, and what its turn is held to. */
export function promptOptions(body: PromptBody, toolbox: Toolbox): ChatOptions {
  const { conversation, prompt, reasoning, text, truncation } = body;
  if (conversation !== null && conversation !== undefined) throw unsupported('conversation', 'previous_response_id');
  if (prompt !== null && prompt !== undefined) throw unsupported('prompt', 'instructions and input');
  const effort = reasoning?.effort;
  const { tools, toolChoice } = toolbox.choose(body.tool_choice);
  const format = answerFormat(text?.format);
  return {
    ...(tools.length === 0 ? {} : { tools }),
    ...(toolChoice === 'auto' ? {} : { toolChoice }),
    ...(effort ? { effort: EFFORTS[effort] } : {}),
    ...(effort === 'none' ? { maxReasoningTokens: 0 } : {}),
    ...(format === undefined ? {} : { responseFormat: format }),
    ...(truncation ? { truncation } : {}),
  };
}

/** `promptOptions`, and how tokens are chosen. Throws `api/bad-request` and `api/unsupported` for what cannot be done. */
export function turnOptions(body: CreateBody, toolbox: Toolbox): ChatOptions {
  if (body.context_management?.length) throw unsupported('context_management', 'truncation: "auto"');
  if (body.background && body.store === false) {
    throw badRequest('background: a response that is not stored cannot be asked for later; leave out store: false');
  }
  const wantsLogprobs = body.include?.includes('message.output_text.logprobs') || Boolean(body.top_logprobs);
  for (const [name, instead] of Object.entries(REFUSED)) {
    const value = body[name];
    const isHarmless = value === undefined || value === null || (name === 'n' && value === 1);
    if (!isHarmless) throw badRequest(`${name} is not offered here: use ${instead}`, name);
  }
  const maxTokens = body.max_output_tokens ?? undefined;
  const said = given({
    stop: stopsOf(body),
    maxTokens,
    reserve: body.reserve ?? Math.min(RESERVE, Math.floor((maxTokens ?? Number.POSITIVE_INFINITY) / 2)),
    ignoreEnd: body.ignore_eos,
    topLogprobs: wantsLogprobs ? (body.top_logprobs ?? 0) : undefined,
    maxReasoningTokens: body.max_reasoning_tokens,
  });
  return { ...promptOptions(body, toolbox), ...samplingOf(body), ...said };
}

function answerFormat(format: NonNullable<PromptBody['text']>['format']): ChatOptions['responseFormat'] {
  if (!format) return undefined;
  if (format.type !== 'json_schema') return format.type === 'text' ? undefined : 'json_object';
  const { name, description, schema, strict } = format;
  return { name, schema, ...(description ? { description } : {}), ...(strict ? { strict } : {}) };
}

function unsupported(param: string, instead: string): OssiaError {
  return new OssiaError('api/unsupported', `${param} is not offered by this server: use ${instead}`, {
    details: { param },
  });
}
