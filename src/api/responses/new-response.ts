import type { ChatOptions } from '../../chat/index.ts';
import type { GenerateParams } from '../../engine/index.ts';
import { newId } from './ids.ts';
import { nowSeconds, type ResponseObject } from './response.ts';
import type { CreateBody } from './schema.ts';

/** A response before its first token: what the request said, and what stands where it said nothing. */
export function newResponse(body: CreateBody, model: string): ResponseObject {
  const background = body.background ?? false;
  return {
    id: newId('resp'),
    object: 'response',
    created_at: nowSeconds(),
    status: background ? 'queued' : 'in_progress',
    background,
    completed_at: null,
    error: null,
    incomplete_details: null,
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    max_tool_calls: body.max_tool_calls ?? null,
    model,
    output: [],
    parallel_tool_calls: body.parallel_tool_calls ?? true,
    previous_response_id: body.previous_response_id ?? null,
    prompt_cache_key: body.prompt_cache_key ?? null,
    reasoning: { effort: body.reasoning?.effort ?? 'medium', summary: summaryOf(body) },
    safety_identifier: body.safety_identifier ?? null,
    service_tier: 'default',
    store: body.store ?? true,
    temperature: body.temperature ?? 1,
    text: { format: body.text?.format ?? { type: 'text' }, verbosity: body.text?.verbosity ?? 'medium' },
    tool_choice: body.tool_choice ?? 'auto',
    tools: (body.tools ?? []).map(withoutSecrets),
    top_logprobs: body.top_logprobs ?? 0,
    top_p: body.top_p ?? 1,
    truncation: body.truncation ?? 'disabled',
    usage: null,
    user: body.user ?? null,
    metadata: body.metadata ?? {},
  };
}

/** What a request brings along to get into an MCP server is for that server alone: it is neither kept nor told again. */
function withoutSecrets(tool: Readonly<Record<string, unknown>>): unknown {
  if (tool.type !== 'mcp') return tool;
  const { authorization: _, headers, ...others } = tool;
  if (typeof headers !== 'object' || headers === null) return others;
  return { ...others, headers: Object.fromEntries(Object.keys(headers).map((name) => [name, '<redacted>'])) };
}

/** Which kind of summary was asked for; null: none. */
export function summaryOf({ reasoning }: Pick<CreateBody, 'reasoning'>): string | null {
  const summary = reasoning?.summary ?? reasoning?.generate_summary ?? null;
  return summary === 'none' ? null : summary;
}

/** What is known of a response once its model is. */
export function knownWithModel(
  model: string,
  { temperature, topP }: ChatOptions,
  defaults: GenerateParams,
): Pick<ResponseObject, 'model' | 'temperature' | 'top_p'> {
  return { model, temperature: temperature ?? defaults.temperature ?? 1, top_p: topP ?? defaults.topP ?? 1 };
}
