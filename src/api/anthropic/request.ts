import { OssiaError } from '../../base/index.ts';
import type { ChatMessage, ChatOptions, ToolDeclaration } from '../../chat/index.ts';
import type { Seal } from '../seal.ts';
import { badRequest } from '../validate.ts';
import { toHistory } from './history.ts';
import { knownTool } from './known-tools.ts';
import type { CountTokensRequest, MessagesRequest, ToolParam } from './schema.ts';

/** What a request asks for, in the words of `chat`. */
export interface Prompt {
  readonly history: readonly ChatMessage[];
  readonly options: ChatOptions;
  /** Tools that only Anthropic's own servers have: the model does not hear of them. */
  readonly ignoredTools: readonly string[];
}

/** How thoughts are shown: as they are, as signatures that hold them, or not at all. */
export type ThinkingDisplay = 'shown' | 'omitted' | 'none';

/** From here on a thinking budget asks for high effort: Claude Code's "ultrathink" is 31,999. */
const HIGH_EFFORT_TOKENS = 16_000;

/** Anthropic's word for it, at which its SDK's tool runner goes on without a thread. */
export const UNSUPPORTED_THREAD = 'thread_unsupported_request';

const EFFORTS = { low: 'low', medium: 'medium', high: 'high', xhigh: 'high', max: 'high' } as const;
const CHOICES = { auto: 'auto', any: 'required', none: 'none' } as const;

/** The prompt of a request, without how its tokens are chosen. Throws `api/bad-request`. */
export function toPrompt(request: CountTokensRequest, seal: Seal): Prompt {
  if (request.mcp_servers?.length) {
    throw badRequest('mcp_servers: this server calls no MCP servers, give their tools in `tools`', 'mcp_servers');
  }
  if (request.thread != null) {
    const message = 'thread: this server keeps no conversations, send all of `messages`';
    throw new OssiaError('api/bad-request', message, { details: { param: 'thread', errorCode: UNSUPPORTED_THREAD } });
  }
  const { tools, ignored } = readTools(request.tools ?? []);
  const format = request.output_config?.format ?? request.output_format;
  return {
    history: toHistory(request.system, request.messages, seal),
    options: {
      ...thinkingOptions(request),
      ...(tools.length === 0 ? {} : { tools }),
      ...choiceOption(request.tool_choice, ignored),
      ...(format ? { responseFormat: { name: 'answer', schema: format.schema, strict: true } } : {}),
    },
    ignoredTools: ignored,
  };
}

/** How the tokens of an answer are chosen, and how many there may be. */
export function toSampling(request: MessagesRequest): ChatOptions {
  const { max_tokens: maxTokens, max_reasoning_tokens: maxReasoningTokens } = request;
  const named = {
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    seed: request.seed,
    maxReasoningTokens,
    stop: request.stop_sequences?.length ? request.stop_sequences : undefined,
    reserve: request.reserve ?? defaultReserve(request),
  };
  return { maxTokens, ...Object.fromEntries(Object.entries(named).filter(([, value]) => value != null)) };
}

/** Who did not ask for thoughts means `max_tokens` to be the answer's: half of them are kept for it. */
function defaultReserve({ max_tokens, thinking }: MessagesRequest): number | undefined {
  return thinking == null ? Math.floor(max_tokens / 2) : undefined;
}

export function displayOf({ thinking }: MessagesRequest): ThinkingDisplay {
  if (thinking == null || thinking.type === 'disabled') return 'none';
  return 'display' in thinking && thinking.display === 'omitted' ? 'omitted' : 'shown';
}

function thinkingOptions({ thinking, output_config }: CountTokensRequest): ChatOptions {
  const effort = output_config?.effort == null ? {} : { effort: EFFORTS[output_config.effort] };
  if (thinking?.type === 'disabled') return { effort: 'low', ...effort, maxReasoningTokens: 0 };
  if (thinking?.type !== 'enabled') return effort;
  const { budget_tokens: budget } = thinking;
  return { ...(budget < HIGH_EFFORT_TOKENS ? {} : { effort: 'high' }), ...effort, maxReasoningTokens: budget };
}

function readTools(given: readonly ToolParam[]): { readonly tools: ToolDeclaration[]; readonly ignored: string[] } {
  const tools: ToolDeclaration[] = [];
  const ignored: string[] = [];
  given.forEach((tool, i) => {
    if ('input_schema' in tool) {
      const { name, description, input_schema: parameters, strict } = tool;
      tools.push({ name, parameters, ...(description ? { description } : {}), ...(strict ? { strict } : {}) });
    } else if (tool.type === 'custom') {
      const path = `tools[${i}].input_schema`;
      throw badRequest(`${path}: a custom tool needs the schema of its input`, path);
    } else {
      const known = tool.name == null ? undefined : knownTool(tool.type, tool.name);
      if (known) tools.push(known);
      else ignored.push(tool.name ?? tool.type);
    }
  });
  return { tools, ignored };
}

function choiceOption(choice: CountTokensRequest['tool_choice'], ignored: readonly string[]): ChatOptions {
  if (choice == null) return {};
  if (choice.type !== 'tool') return { toolChoice: CHOICES[choice.type] };
  if (ignored.includes(choice.name)) {
    throw badRequest(`tool_choice.name: this server does not have the tool "${choice.name}"`, 'tool_choice.name');
  }
  return { toolChoice: { name: choice.name } };
}
