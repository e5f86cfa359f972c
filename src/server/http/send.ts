import type { ErrorReply, Reply, SseEvent } from '../../api/index.ts';

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
      return stream(reply.events, formatSse, 'text/event-stream; charset=utf-8', reply.headers, ': ping\n\n');
    case 'ndjson':
      return stream(reply.lines, formatLine, 'application/x-ndjson', reply.headers);
  }
}

function jsonResponse(body: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8', ...headers },
  });
}

function formatSse({ event, id, data }: SseEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  const head = `${event === undefined ? '' : `event: ${event}\n`}${id === undefined ? '' : `id: ${id}\n`}`;
  return `${head}data: ${text.replaceAll('\n', '\ndata: ')}\n\n`;
}

function formatLine(line: unknown): string {
  return `${JSON.stringify(line)}\n`;
}

function stream<T>(
  items: AsyncIterable<T>,
  format: (item: T) => string,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
  ping?: string,
): Response {
  const encoder = new TextEncoder();
  const iterator = items[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<T>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        next ??= iterator.next();
        const result = ping === undefined ? await next : await Promise.race([next, pause(PING_MS)]);
        if (result === undefined) {
          controller.enqueue(encoder.encode(ping));
          return;
        }
        next = undefined;
        if (result.done) controller.close();
        else controller.enqueue(encoder.encode(format(result.value)));
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, {
    headers: { 'content-type': contentType, 'cache-control': 'no-cache', 'x-accel-buffering': 'no', ...headers },
  });
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
