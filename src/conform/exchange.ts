import { demand, show } from './check.ts';

/** One event of a stream; `data` is parsed, or the text as it came: `[DONE]`. */
export interface SseEvent {
  readonly event: string | undefined;
  readonly data: unknown;
}

/** A request's whole reply. */
export class Exchange {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;

  constructor(status: number, headers: Headers, body: string) {
    this.status = status;
    this.headers = headers;
    this.body = body;
  }

  get contentType(): string {
    return this.headers.get('content-type') ?? '';
  }

  /** Undefined when the body is no JSON. */
  get json(): unknown {
    return parse(this.body);
  }

  get events(): SseEvent[] {
    return parseEvents(this.body);
  }

  /** Of newline-delimited JSON; a line that is no JSON is undefined. */
  get lines(): unknown[] {
    return this.body.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parse(line)]));
  }

  /** The status and the beginning of the body, for a message. */
  describe(): string {
    return `HTTP ${this.status} ${this.body.trim().replaceAll(/\s+/g, ' ').slice(0, 120)}`;
  }
}

/** Server-sent events, as the standard reads them: comments are dropped, data lines joined, any line end is one. */
export function parseEvents(body: string): SseEvent[] {
  return body
    .replaceAll(/\r\n?/g, '\n')
    .split(/\n\n+/)
    .flatMap((block) => {
      const fields = block.split('\n').map((line) => /^(\w+): ?(.*)$/.exec(line) ?? ['', '', '']);
      const of = (name: string) => fields.filter(([, field]) => field === name).map(([, , value]) => value!);
      const data = of('data').join('\n');
      if (data === '') return [];
      return [{ event: of('event')[0], data: parse(data) ?? data }];
    });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An error has to come as 4xx, as JSON, and soon; `body` is what it says. */
export function demandRefusal(exchange: Exchange): unknown {
  const { status, json } = exchange;
  demand(status >= 400 && status < 500, `expected 4xx, got ${exchange.describe()}`);
  demand(json !== undefined, `the body is no JSON: ${show(exchange.body)}`);
  return json;
}
