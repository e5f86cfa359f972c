import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Lease, withPreset } from '../../api/index.ts';
import type { ChatEnd, ChatEvent, ChatMessage, ChatOptions, Usage } from '../../chat/index.ts';
import type { McpService } from './service.ts';

const MAX_TOKENS = 131_072;
/** Tokens kept for the answer, half of the limit at most. */
const RESERVE = 256;

export const chatInput = {
  prompt: z.string().min(1).describe('What to ask. The model sees nothing else, so put all that it needs here'),
  system: z.string().optional().describe('Instructions for the model'),
  model: z.string().optional().describe("One of list_models. Default: the server's"),
  effort: z.enum(['low', 'medium', 'high']).optional().describe('How hard it thinks. Default: medium'),
  max_tokens: z.int().min(1).max(MAX_TOKENS).optional().describe('Thoughts and answer together. Default: what fits'),
  temperature: z.number().min(0).max(2).optional().describe('0 takes the most probable token. Default: 1'),
  seed: z.int().min(0).optional().describe('The same seed gives the same answer'),
  include_reasoning: z.boolean().optional().describe('Whether the thoughts come too. Default: false'),
} as const;

export const chatOutput = {
  answer: z.string(),
  reasoning: z.string().optional(),
  model: z.string(),
  finish_reason: z.enum(['stop', 'length', 'cancelled']),
  seed: z.number().describe('Replays this answer'),
  usage: z.object({
    prompt_tokens: z.int(),
    cached_tokens: z.int(),
    output_tokens: z.int(),
    reasoning_tokens: z.int(),
  }),
} as const;

export type ChatInput = z.infer<z.ZodObject<typeof chatInput>>;
export type ChatOutput = z.infer<z.ZodObject<typeof chatOutput>>;

export interface AskOptions {
  readonly client: string;
  readonly signal: AbortSignal;
  /** Called as the turn goes on: pieces of text so far, and whether they are thoughts. */
  readonly progress: (pieces: number, phase: 'thinking' | 'answering') => void;
}

/** One turn of the model. Rejects with what lending and chatting may reject with. */
export async function ask(input: ChatInput, { host, turns }: McpService, options: AskOptions): Promise<ChatOutput> {
  const { client, signal } = options;
  const lease = await host.lend(input.model, { signal });
  try {
    const { messages, options: turn } = turnOf(input, lease);
    const request = { id: `mcp-${randomUUID()}`, api: 'mcp', client, signal, loadMs: lease.loadMs } as const;
    const events = await turns.start(lease.model, messages, turn, request);
    const heard = await hear(events, options);
    return outputOf(heard, lease.name, input.include_reasoning === true);
  } finally {
    lease.release();
  }
}

/** A question as messages and options, with what the model's name stands for. */
export function turnOf(input: ChatInput, lease: Lease): { messages: readonly ChatMessage[]; options: ChatOptions } {
  const history: ChatMessage[] = [
    ...(input.system === undefined ? [] : [{ role: 'system', content: input.system } as const]),
    { role: 'user', content: input.prompt },
  ];
  const { messages, options } = withPreset<ChatOptions>(lease, history, {
    ...(input.effort === undefined ? {} : { effort: input.effort }),
    ...(input.max_tokens === undefined ? {} : { maxTokens: input.max_tokens }),
    ...(input.temperature === undefined ? {} : { temperature: input.temperature }),
    ...(input.seed === undefined ? {} : { seed: input.seed }),
  });
  const { maxTokens = Number.POSITIVE_INFINITY } = options;
  return { messages, options: { ...options, reserve: Math.min(RESERVE, Math.floor(maxTokens / 2)) } };
}

interface Heard {
  answer: string;
  reasoning: string;
  usage: Usage;
  end: ChatEnd | undefined;
}

async function hear(events: AsyncIterable<ChatEvent>, { progress }: AskOptions): Promise<Heard> {
  const usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const heard: Heard = { answer: '', reasoning: '', usage, end: undefined };
  let pieces = 0;
  let kept = 0;
  for await (const event of events) {
    if (event.type === 'reasoning') {
      heard.reasoning += event.delta;
      progress(++pieces, 'thinking');
    } else if (event.type === 'text') {
      if (event.channel === 'final') heard.answer += event.delta;
      progress(++pieces, 'answering');
    } else if (event.type === 'message') kept = heard.answer.length;
    else if (event.type === 'retract') heard.answer = heard.answer.slice(0, kept);
    else if (event.type === 'usage') heard.usage = event;
    else if (event.type === 'end') heard.end = event;
  }
  return heard;
}

function outputOf({ answer, reasoning, usage, end }: Heard, model: string, withReasoning: boolean): ChatOutput {
  const reason = end?.reason ?? 'cancelled';
  return {
    answer,
    ...(withReasoning ? { reasoning } : {}),
    model,
    finish_reason: reason === 'tool_calls' ? 'stop' : reason,
    seed: end?.seed ?? 0,
    usage: {
      prompt_tokens: usage.promptTokens,
      cached_tokens: usage.cachedTokens,
      output_tokens: usage.outputTokens,
      reasoning_tokens: usage.reasoningTokens,
    },
  };
}
