import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';

export interface Ask {
  readonly path: string;
  readonly method?: string;
  /** Sent as JSON, or as it is when it is a text or bytes. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string | number>>;
  /** Leaves, without a word, when so much of the reply has come. */
  readonly leaveAfterBytes?: number;
  /** Leaves so long after the request. */
  readonly leaveAfterMs?: number;
  /** Rests so long after each piece of the reply. */
  readonly pauseMs?: number;
}

/** How an exchange ended. */
export interface Outcome {
  /** 0: there was no reply. */
  readonly status: number;
  readonly text: string;
  /** `whole`: the reply came to its end. `left`: we went. `broken`: the connection ended first. `late`: nothing for too long. */
  readonly end: 'whole' | 'left' | 'broken' | 'late';
  readonly why?: string;
}

/** No reply of the soak takes this long; one that does was forgotten. */
const LATE_MS = 120_000;
const MAX_TEXT = 4 << 20;

/** One request, to its end or to ours. Never rejects. */
export function exchange(url: string, agent: Agent, ask: Ask): Promise<Outcome> {
  return new Promise((resolve) => {
    const body = encode(ask.body);
    const { method = body === undefined ? 'GET' : 'POST', path, headers = {} } = ask;
    const length = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': body.length };
    const outgoing = request(url + path, { method, agent, headers: { ...length, ...headers } });
    const reply = new Reply(outgoing, ask, resolve);
    outgoing.on('response', (response) => reply.read(response));
    outgoing.on('error', (error) => reply.settle('broken', error.message));
    outgoing.end(body);
  });
}

function encode(body: unknown): Buffer | undefined {
  if (body === undefined || body instanceof Buffer) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** What has come so far of one reply. */
class Reply {
  readonly #outgoing: ClientRequest;
  readonly #ask: Ask;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #timers: NodeJS.Timeout[];
  #status = 0;
  #text = '';
  #over = false;

  constructor(outgoing: ClientRequest, ask: Ask, resolve: (outcome: Outcome) => void) {
    this.#outgoing = outgoing;
    this.#ask = ask;
    this.#resolve = resolve;
    this.#timers = [setTimeout(() => this.settle('late'), LATE_MS)];
    if (ask.leaveAfterMs !== undefined) this.#timers.push(setTimeout(() => this.settle('left'), ask.leaveAfterMs));
  }

  read(response: IncomingMessage): void {
    const { leaveAfterBytes = Number.POSITIVE_INFINITY, pauseMs } = this.#ask;
    this.#status = response.statusCode ?? 0;
    response.setEncoding('utf8');
    response.on('data', (text: string) => {
      if (this.#text.length < MAX_TEXT) this.#text += text;
      if (this.#text.length >= leaveAfterBytes) return this.settle('left');
      if (pauseMs === undefined) return undefined;
      response.pause();
      setTimeout(() => response.resume(), pauseMs);
    });
    response.on('end', () => this.settle(response.complete ? 'whole' : 'broken'));
    response.on('error', (error) => this.settle('broken', error.message));
  }

  settle(end: Outcome['end'], why?: string): void {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    if (end !== 'whole') this.#outgoing.destroy();
    this.#resolve({ status: this.#status, text: this.#text, end, ...(why === undefined ? {} : { why }) });
  }
}
