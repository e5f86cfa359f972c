import { OssiaError } from '../../base/index.ts';
import type { ChatEnd, ChatEvent, ChatMessage, ChatOptions } from '../../chat/index.ts';
import type { Host, Lease } from '../host.ts';
import { withPreset } from '../preset.ts';
import { json, type Reply, type SseEvent } from '../reply.ts';
import { Seal } from '../seal.ts';
import type { Turns } from '../turns.ts';
import { collect } from './collect.ts';
import { newMessageId } from './ids.ts';
import { endingOf, messageOf, usageOf } from './message.ts';
import { displayOf, type Prompt, toPrompt, toSampling } from './request.ts';
import type { CountTokensRequest, MessagesRequest } from './schema.ts';
import { streamMessage } from './stream.ts';

/** Who asks. */
export interface Asker {
  readonly requestId: string;
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
}

/** The Messages API: https://docs.anthropic.com/en/api/messages. */
export class Messages {
  readonly #host: Host;
  readonly #turns: Turns;
  readonly #seal: Seal;

  constructor({ host, turns, seal = new Seal() }: { host: Host; turns: Turns; seal?: Seal }) {
    this.#host = host;
    this.#turns = turns;
    this.#seal = seal;
  }

  /** `POST /v1/messages`. Rejects while a status can still be sent. */
  async create(request: MessagesRequest, asker: Asker): Promise<Reply> {
    const prompt = toPrompt(request, this.#seal);
    const lease = await this.#host.lend(request.model, { signal: asker.signal });
    const id = newMessageId();
    const turn = withPreset(lease, prompt.history, { ...prompt.options, ...toSampling(request) });
    const shared = { display: displayOf(request), seal: this.#seal, maxTokens: request.max_tokens };
    const check = (end: ChatEnd) => checkFinished(end, asker.signal);
    let isStreaming = false;
    try {
      const { model, name, loadMs } = lease;
      const { client, signal } = asker;
      const asked = { id, api: 'anthropic', client, signal, loadMs } as const;
      const events = await this.#turns.start(model, turn.messages, turn.options, asked);
      const headers = headersOf(prompt, asker);
      if (request.stream) {
        const promptTokens = this.#turns.countTokens(model, turn.messages, turn.options);
        const stream = { ...shared, id, model: name, promptTokens, requestId: asker.requestId, check };
        isStreaming = true;
        return { type: 'sse', events: released(streamMessage(events, stream), events, lease, signal), headers };
      }
      const { content, usage, end } = await collect(events, shared.display, this.#seal);
      check(end);
      const ending = endingOf(end, usage, request.max_tokens);
      return { type: 'json', body: messageOf({ id, model: name }, content, ending, usageOf(usage)), headers };
    } finally {
      if (!isStreaming) lease.release();
    }
  }

  /** `POST /v1/messages/count_tokens`: the tokens that `create` would send to the model. */
  async countTokens(request: CountTokensRequest, asker: Asker): Promise<Reply> {
    const { history, options } = toPrompt(request, this.#seal);
    const lease = await this.#host.lend(request.model, { signal: asker.signal });
    try {
      const turn: { messages: readonly ChatMessage[]; options: ChatOptions } = withPreset(lease, history, options);
      return json({ input_tokens: this.#turns.countTokens(lease.model, turn.messages, turn.options) });
    } finally {
      lease.release();
    }
  }
}

/** `request-id` is the name that Anthropic's clients read. */
function headersOf({ ignoredTools }: Prompt, { requestId }: Asker): Readonly<Record<string, string>> {
  const ignored = encodeURI(ignoredTools.join(','));
  return { 'request-id': requestId, ...(ignored === '' ? {} : { 'x-ossia-ignored-tools': ignored }) };
}

/** A request whose time is up has what there is; one that the server broke off is better asked again. */
function checkFinished({ reason }: ChatEnd, signal: AbortSignal): void {
  if (reason !== 'cancelled') return;
  if (signal.reason instanceof OssiaError) throw signal.reason;
  if (!signal.aborted) throw new OssiaError('server/draining', 'The turn was stopped before its end');
}

/** Gives the model back when a stream ends or is left, be it before its first event. */
function released(
  stream: AsyncGenerator<SseEvent>,
  events: AsyncIterator<ChatEvent>,
  lease: Lease,
  signal: AbortSignal,
) {
  const release = () => lease.release();
  signal.addEventListener('abort', release, { once: true });
  const iterator: AsyncIterator<SseEvent> = {
    async next() {
      const result = await stream.next();
      if (result.done) release();
      return result;
    },
    async return() {
      release();
      await events.return?.(); // a stream that nobody began to read would not do it
      return stream.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
