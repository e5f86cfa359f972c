/** The `data` of server-sent events, in order. Comments, ids and names are skipped; lines end in LF, CRLF or CR. */
export class SseParser {
  #rest = '';
  #data: string[] = [];

  /** Takes a piece of the stream, cut anywhere; gives the events that it completes. */
  push(piece: string): string[] {
    const events: string[] = [];
    const text = this.#rest + piece;
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code !== LF && code !== CR) continue;
      if (code === CR && at + 1 === text.length) break; // an LF may belong to it
      this.#line(text.slice(from, at), events);
      if (code === CR && text.charCodeAt(at + 1) === LF) at++;
      from = at + 1;
    }
    this.#rest = text.slice(from);
    return events;
  }

  #line(line: string, events: string[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push(this.#data.join('\n'));
      this.#data = [];
    } else if (line.startsWith('data:')) {
      this.#data.push(line.slice(line[5] === ' ' ? 6 : 5));
    }
  }
}

const LF = 10;
const CR = 13;

/** The server says something every 15 s, if only that it is there. */
const PATIENCE_MS = 60_000;

/**
 * Events of a reply, each the JSON of its data. Ends with the stream; whoever stops reading early cancels it. Throws when nothing
 * at all has come for a while: a connection that broke without a word looks like a server that thinks.
 */
export async function* readEvents<T>(response: Response, patienceMs = PATIENCE_MS): AsyncGenerator<T, void, undefined> {
  if (!response.body) return;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  const parser = new SseParser();
  try {
    while (true) {
      const { done, value } = await within(patienceMs, reader.read());
      for (const data of parser.push(done ? `${decoder.decode()}\n\n` : decoder.decode(value, { stream: true }))) {
        if (data !== '[DONE]') yield JSON.parse(data) as T;
      }
      if (done) return;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const TICKS = 4;

/** Counts ticks, not the time: of a machine that slept, one has passed. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let left = TICKS;
  const silence = new Promise<never>((_, reject) => {
    timer = setInterval(() => --left === 0 && reject(new Error('Nothing came any more')), ms / TICKS);
  });
  try {
    return await Promise.race([work, silence]);
  } finally {
    clearInterval(timer);
  }
}
