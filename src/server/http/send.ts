import { type ErrorReply, openAiError, problemOf, type Reply, type SseEvent } from '../../api/index.ts';

/** A comment goes out after this long without an event, so that proxies keep the connection. */
const PING_MS = 15_000;

/** A reply as an HTTP response. Streams are pulled: who reads slowly slows the turn's events down and fills no memory. */
export function send(reply: Reply | (ErrorReply & { readonly type: 'error' })): Response {
  switch (reply.type) {
    case 'json':
      return jsonResponse(reply.body, reply.status ?? 200, reply.headers);
    case 'error':
      return jsonResponse(reply.body, reply.status, reply.headers);
    case 'sse':
      return stream(sse(reply.events), 'text/event-stream; charset=utf-8', reply.headers);
    case 'ndjson':
      return stream(ndjson(reply.lines), 'application/x-ndjson', reply.headers);
  }
}

function jsonResponse(body: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  });
}

/** Items of a stream and how they are written. `failure`: the last word of a format that broke its promise not to throw. */
interface Wire<T> {
  readonly items: AsyncIterable<T>;
  readonly format: (item: T) => string;
  readonly failure: (error: unknown) => string;
  readonly ping?: string;
}

function sse(items: AsyncIterable<SseEvent>): Wire<SseEvent> {
  const failure = (error: unknown) => formatSse({ data: openAiError(error).body });
  return { items, format: formatSse, failure, ping: ': ping\n\n' };
}

/** Lines are Ollama's, whose clients read an error as a text. */
function ndjson(items: AsyncIterable<unknown>): Wire<unknown> {
  return { items, format: formatLine, failure: (error) => formatLine({ error: problemOf(error).message }) };
}

function formatSse({ event, id, data }: SseEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
  return `${head}data: ${text.replaceAll('\n', '\ndata: ')}\n\n`;
}

function formatLine(line: unknown): string {
  return `${JSON.stringify(line)}\n`;
}

function stream<T>(wire: Wire<T>, contentType: string, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(pulled(wire), {
    headers: { 'content-type': contentType, 'cache-control': 'no-cache', 'x-accel-buffering': 'no', ...headers },
  });
}

/** Takes one item when the socket has room for it, and none before. */
function pulled<T>({ items, format, failure, ping }: Wire<T>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const iterator = items[Symbol.asyncIterator]();
  let timer: NodeJS.Timeout | undefined;
  let left = false;
  const end = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    clearInterval(timer);
    controller.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (ping === undefined) return;
        // Nothing is queued where somebody waits, so a reader that does not read is not pinged either.
        timer = setInterval(() => {
          if (controller.desiredSize === 0) controller.enqueue(encoder.encode(ping));
        }, PING_MS);
        timer.unref();
      },
      async pull(controller) {
        timer?.refresh();
        try {
          const result = await iterator.next();
          if (left) return;
          if (result.done) end(controller);
          else controller.enqueue(encoder.encode(format(result.value)));
        } catch (error) {
          if (left) return;
          controller.enqueue(encoder.encode(failure(error)));
          end(controller);
        }
      },
      async cancel() {
        left = true;
        clearInterval(timer);
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}
