import type { ChatEnd, ChatEvent, LoadedModel, ToolCall, Usage } from '../../chat/index.ts';
import { type Logprob, Logprobs } from './logprobs.ts';
import { nanoseconds } from './time.ts';

/** What one line of a stream says. */
export type TurnPart =
  | { readonly type: 'thinking' | 'content'; readonly text: string; readonly logprobs?: readonly Logprob[] }
  | { readonly type: 'call'; readonly call: ToolCall; readonly index: number; readonly logprobs?: readonly Logprob[] }
  | { readonly type: 'done'; readonly end: ChatEnd; readonly usage: Usage; readonly logprobs?: readonly Logprob[] };

/**
 * The events of a turn as the parts of a stream. Messages of one kind are parted by an empty line, as in the turn's history. A
 * `retract` cannot be said in this format: what was sent stays, and the call that it turned out to be follows.
 */
export async function* turnParts(
  events: AsyncIterable<ChatEvent>,
  tokenizer: LoadedModel['tokenizer'],
  isRaw = false,
): AsyncGenerator<TurnPart, void, undefined> {
  const logprobs = new Logprobs(tokenizer, isRaw);
  const gaps = { thinking: '', content: '' };
  let usage: Usage | undefined;
  let index = 0;
  for await (const event of events) {
    switch (event.type) {
      case 'token':
        logprobs.push(event);
        break;
      case 'reasoning':
      case 'text': {
        const type = event.type === 'text' ? 'content' : 'thinking';
        yield { type, text: gaps[type] + event.delta, ...logprobs.take() };
        gaps[type] = '';
        break;
      }
      case 'message':
        if (event.message.content === '') break;
        if (event.message.surface === 'reasoning') gaps.thinking = '\n\n';
        if (event.message.surface === 'text') gaps.content = '\n\n';
        break;
      case 'tool_call':
        if (event.status !== 'incomplete') yield { type: 'call', call: event, index: index++, ...logprobs.take() };
        break;
      case 'usage':
        usage = event;
        break;
      case 'end':
        if (usage === undefined) throw new TypeError('The turn ended without its usage');
        yield { type: 'done', end: event, usage, ...logprobs.take() };
        break;
      case 'retract':
      case 'tool_call_delta': // calls come whole
        break;
    }
  }
}

/** Ollama knows no `tool_calls`: a turn that ends in calls has stopped. */
function doneReason({ reason }: ChatEnd): string {
  return reason === 'tool_calls' ? 'stop' : reason;
}

/** The fields of the last line: why, how much and how long. Those after `eval_duration` are Ossia's own. */
export function summary({ end, usage }: { end: ChatEnd; usage: Usage }, startedAt: number, loadMs: number): object {
  const { timing, notes, truncated, reasoningCut, seed } = end;
  return {
    done: true,
    done_reason: doneReason(end),
    total_duration: nanoseconds(performance.now() - startedAt),
    load_duration: nanoseconds(loadMs),
    prompt_eval_count: usage.promptTokens,
    prompt_eval_duration: nanoseconds(timing.prefillMs),
    eval_count: usage.outputTokens,
    eval_duration: nanoseconds(timing.decodeMs),
    ossia: {
      cached_tokens: usage.cachedTokens,
      thinking_tokens: usage.reasoningTokens,
      seed,
      ...(truncated === undefined ? {} : { truncated }),
      ...(reasoningCut === undefined ? {} : { thinking_cut: reasoningCut }),
      ...(notes === undefined ? {} : { notes }),
    },
  };
}
