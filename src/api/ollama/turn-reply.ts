import { OssiaError } from '../../base/index.ts';
import type { AssistantMessage, ChatEnd, ChatEvent, ChatMessage, ChatOptions, Usage } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import { withPreset } from '../preset.ts';
import { json, type Reply } from '../reply.ts';
import type { TurnRequest, Turns } from '../turns.ts';
import { errorText } from './errors.ts';
import type { Logprob } from './logprobs.ts';
import type { OllamaRequest, OllamaState } from './request.ts';
import { timestamp } from './time.ts';
import { summary, type TurnPart, turnParts } from './turn-parts.ts';

export interface Turn {
  /** As the request called it. */
  readonly name: string;
  readonly lease: Lease;
  readonly start: StartTurn;
  /** Whether control tokens count as what is said. */
  readonly isRaw?: boolean;
  readonly stream: boolean;
  /** By `performance.now()`. */
  readonly startedAt: number;
  readonly wording: Wording;
  /** Told what the turn left behind. */
  readonly finished?: (message: AssistantMessage | undefined) => void;
}

export type StartTurn = (turns: Turns, request: TurnRequest) => Promise<AsyncIterableIterator<ChatEvent>>;

/** Tokens kept for the answer where a request does not say; of a low limit, half. Thoughts that use up all leave nobody an answer. */
const RESERVE = 256;

/** A turn of a conversation, with what the model's name stands for. */
export function conversationTurn(lease: Lease, history: readonly ChatMessage[], asked: ChatOptions): StartTurn {
  const { messages, options } = withPreset(lease, history, asked);
  const { maxTokens = Number.POSITIVE_INFINITY, reserve = Math.min(RESERVE, Math.floor(maxTokens / 2)) } = options;
  return (turns, request) => turns.start(lease.model, messages, { ...options, reserve }, request);
}

/** How `chat` and `generate` say the same things: fields of a line. */
export interface Wording {
  part(part: Exclude<TurnPart, { type: 'done' }>): object;
  /** The last line of a stream; all that came stands in the lines before. */
  last(end: ChatEnd): object;
  /** The one line of an answer in one piece. */
  whole(message: AssistantMessage): object;
}

/** Runs a turn and answers with it; the lease is released when all has been said. Rejects while a status can be sent. */
export async function turnReply(turn: Turn, { turns }: OllamaState, request: OllamaRequest): Promise<Reply> {
  const { lease, stream } = turn;
  try {
    const { id, client, signal } = request;
    const events = await turn.start(turns, { id, api: 'ollama', client, signal, loadMs: lease.loadMs });
    if (stream) return { type: 'ndjson', lines: untilEnd(lines(turn, events, signal), events, lease) };
    const body = await wholeReply(turn, events, signal);
    lease.release();
    return json(body);
  } catch (error) {
    lease.release();
    throw error;
  }
}

/** A stream ends with a line that is done, or with an error. */
async function* lines(
  turn: Turn,
  events: AsyncIterable<ChatEvent>,
  signal: AbortSignal,
): AsyncGenerator<object, void, undefined> {
  const { name, lease, wording } = turn;
  try {
    for await (const part of turnParts(events, lease.model.tokenizer, turn.isRaw)) {
      const { logprobs } = part;
      const scores = logprobs === undefined ? {} : { logprobs };
      if (part.type === 'done') {
        finish(turn, part.end, signal);
        yield { ...line(name, wording.last(part.end)), ...scores, ...turnSummary(turn, part) };
      } else yield { ...line(name, wording.part(part)), done: false, ...scores };
    }
  } catch (error) {
    yield { error: errorText(error) };
  }
}

async function wholeReply(turn: Turn, events: AsyncIterable<ChatEvent>, signal: AbortSignal): Promise<object> {
  const { name, lease, wording } = turn;
  const logprobs: Logprob[] = [];
  let text = '';
  for await (const part of turnParts(events, lease.model.tokenizer, turn.isRaw)) {
    logprobs.push(...(part.logprobs ?? []));
    if (part.type === 'content') text += part.text;
    if (part.type !== 'done') continue;
    finish(turn, part.end, signal);
    const scores = logprobs.length === 0 ? {} : { logprobs };
    // A raw turn leaves no message, only its text.
    const said = wording.whole(part.end.messages[0] ?? { role: 'assistant', content: text });
    return { ...line(name, said), ...scores, ...turnSummary(turn, part) };
  }
  throw new TypeError('The turn ended without an end');
}

/** A turn that the server's own limits ended is an error; what whoever asked has ended is not. */
function finish({ finished }: Turn, end: ChatEnd, { aborted, reason }: AbortSignal): void {
  if (end.reason === 'cancelled' && aborted && reason instanceof OssiaError) throw reason;
  finished?.(end.messages[0]);
}

function line(model: string, said: object): object {
  return { model, created_at: timestamp(), ...said };
}

function turnSummary({ startedAt, lease }: Turn, { end, usage }: { end: ChatEnd; usage: Usage }): object {
  return summary({ end, usage }, startedAt, lease.loadMs);
}

/** Gives the turn and the lease back, also when whoever reads leaves before the first line. */
function untilEnd<T>(
  items: AsyncGenerator<T, void, undefined>,
  events: AsyncIterableIterator<ChatEvent>,
  lease: Lease,
): AsyncIterableIterator<T, void, undefined> {
  return {
    async next() {
      const result = await items.next();
      if (result.done) lease.release();
      return result;
    },
    async return() {
      try {
        await items.return();
        await events.return?.();
      } finally {
        lease.release();
      }
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
