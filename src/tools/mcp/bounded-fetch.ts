export type Fetch = (url: string | URL, init?: RequestInit) => Promise<Response>;

export interface BoundedFetchOptions {
  readonly fetch: Fetch;
  /** Bytes of an answer, or of one event in a stream of events, at most. */
  readonly maxMessageBytes: number;
  /** Called when an answer breaks off, which the request would else wait for in vain. */
  readonly onBroken: (error: Error) => void;
}

/** Milliseconds between two openings of a stream of events: a server may end it at once, again and again. */
const REOPEN_MS = 1000;

/** `fetch` for a server that may answer without end. */
export function boundedFetch(options: BoundedFetchOptions): Fetch {
  let opened = Number.NEGATIVE_INFINITY;
  return async (url, init) => {
    const method = init?.method ?? 'GET';
    if (method === 'GET') {
      const wait = opened + REOPEN_MS - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait).unref());
      opened = performance.now();
    }
    const response = await options.fetch(url, init);
    if (response.body === null) return response;
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
    const body = bounded(response.body, isStream, options.maxMessageBytes, (error) => {
      if (method === 'POST' && init?.signal?.aborted !== true) options.onBroken(error);
    });
    const copy = new Response(body, response);
    return Object.defineProperties(copy, {
      url: { value: response.url },
      redirected: { value: response.redirected },
    });
  };
}

function bounded(
  body: ReadableStream<Uint8Array>,
  isStream: boolean,
  maxBytes: number,
  onBroken: (error: Error) => void,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let size = 0;
  let isLeft = false; // whoever reads has heard enough
  return new ReadableStream({
    async pull(controller) {
      try {
        const { value, done } = await reader.read();
        if (isLeft) return;
        if (done) return controller.close();
        size = isStream && endsEvent(value) ? 0 : size + value.byteLength;
        if (size > maxBytes) throw new Error(`An answer has more than ${maxBytes} bytes`);
        controller.enqueue(value);
      } catch (error) {
        if (isLeft) return;
        onBroken(error as Error);
        controller.error(error);
        await reader.cancel(error).catch(() => {});
      }
    },
    cancel(reason) {
      isLeft = true;
      return reader.cancel(reason);
    },
  });
}

/** Whether an empty line stands in it; one that is cut by the edge of a piece does not count. */
function endsEvent(piece: Uint8Array): boolean {
  const NEWLINE = 0x0a;
  for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) {
    const next = piece[at + 1] === 0x0d ? piece[at + 2] : piece[at + 1];
    if (next === NEWLINE) return true;
  }
  return false;
}
