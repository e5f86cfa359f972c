import { connect, type Socket } from 'node:net';

/** A connection on which a test says exactly what it wants. */
export class RawConnection {
  readonly socket: Socket;
  received = '';
  closed = false;
  readonly #waiting: (() => void)[] = [];

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect(Number(port), hostname);
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.received += text;
      this.#wake();
    });
    this.socket.on('error', () => {}); // a reset is an end as well
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  write(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Waits until what has come so far fits, or the connection is closed. */
  async until(fits: (received: string) => boolean, ms = 20_000): Promise<string> {
    const deadline = Date.now() + ms;
    while (!fits(this.received) && !this.closed) {
      if (Date.now() > deadline)
        throw new Error(`Nothing more came within ${ms} ms after: ${this.received.slice(-500)}`);
      await Promise.race([
        new Promise<void>((resolve) => this.#waiting.push(resolve)),
        new Promise((resolve) => setTimeout(resolve, 100)),
      ]);
    }
    return this.received;
  }

  /** All that comes until the server closes. */
  untilClosed(): Promise<string> {
    return this.until(() => false);
  }

  /** The next reply with a content-length, as far as it has one. */
  async reply(): Promise<RawReply> {
    await this.until((text) => wholeReply(text) !== undefined);
    const reply = wholeReply(this.received);
    if (!reply) throw new Error(`The connection was closed after: ${this.received.slice(0, 500)}`);
    this.received = this.received.slice(reply.length);
    return reply;
  }

  destroy(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly length: number;
}

function wholeReply(text: string): RawReply | undefined {
  const head = text.indexOf('\r\n\r\n');
  if (head === -1) return undefined;
  const [first = '', ...lines] = text.slice(0, head).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const length = head + 4 + Number(headers['content-length'] ?? 0);
  if (text.length < length) return undefined;
  return { status: Number(first.split(' ')[1]), headers, body: text.slice(head + 4, length), length };
}

/** A request with a body, a byte a character. */
export function rawPost(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const lines = Object.entries({
    host: 'localhost',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text, 'latin1')),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}`);
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${text}`;
}
