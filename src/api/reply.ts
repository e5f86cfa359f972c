/** One server-sent event. `data` goes out as JSON, or as it is when it is a text (`[DONE]`). */
export interface SseEvent {
  readonly event?: string;
  readonly id?: string;
  readonly data: unknown;
}

/** What a wire format answers; the server writes it, at the pace of whoever reads. */
export type Reply =
  | { readonly type: 'json'; readonly status?: number; readonly body: unknown; readonly headers?: Headers }
  /** A stream ends by itself: what goes wrong in the middle of it is an event of its own format, and never a throw. */
  | { readonly type: 'sse'; readonly events: AsyncIterable<SseEvent>; readonly headers?: Headers }
  | { readonly type: 'ndjson'; readonly lines: AsyncIterable<unknown>; readonly headers?: Headers };

type Headers = Readonly<Record<string, string>>;

/** An error as one wire format says it. */
export interface ErrorReply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Headers;
}

export function json(body: unknown, status = 200): Reply {
  return { type: 'json', status, body };
}
