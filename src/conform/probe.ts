import { Broken } from './check.ts';
import { Exchange } from './exchange.ts';

export interface ProbeOptions {
  /** `http://127.0.0.1:6774`, with or without `/v1`. */
  readonly url: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly timeoutMs: number;
}

/** Speaks to the server under test, and keeps what it said, so that many checks can look at one reply. */
export class Probe {
  readonly model: string;
  /** Everything that successful requests were answered. */
  readonly replies: string[] = [];
  /** Requests in a row that were not answered in time. */
  silences = 0;
  readonly #options: ProbeOptions;
  readonly #kept = new Map<string, Promise<Exchange>>();

  constructor(options: ProbeOptions) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, '').replace(/\/v1$/, '') };
    this.model = options.model;
  }

  async get(path: string): Promise<Exchange> {
    return this.#read(await this.#fetch(path, { method: 'GET' }));
  }

  /** `body`: a value, or a text that goes out as it is. The same request is sent once. */
  post(path: string, body: unknown): Promise<Exchange> {
    const key = `${path} ${JSON.stringify(body)}`;
    const kept = this.#kept.get(key) ?? this.again(path, body);
    this.#kept.set(key, kept);
    return kept;
  }

  /** Sends a request also when its like has been sent before. */
  async again(path: string, body: unknown): Promise<Exchange> {
    return this.#read(await this.#open(path, body));
  }

  /** Reads the first piece of a reply and leaves. Gives the status, and how much came. */
  async leave(path: string, body: unknown): Promise<{ readonly status: number; readonly bytes: number }> {
    const leaving = new AbortController();
    const response = await this.#open(path, body, leaving.signal);
    try {
      const { value } = (await response.body?.getReader().read()) ?? {};
      return { status: response.status, bytes: value?.length ?? 0 };
    } catch (error) {
      throw this.#broken(error);
    } finally {
      leaving.abort();
    }
  }

  #open(path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.#fetch(path, { method: 'POST', body: text, ...(signal === undefined ? {} : { signal }) });
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const { url, apiKey, timeoutMs } = this.#options;
    const key = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}`, 'x-api-key': apiKey };
    const timeout = AbortSignal.timeout(timeoutMs);
    const signal = init.signal ? AbortSignal.any([init.signal, timeout]) : timeout;
    const headers = { 'content-type': 'application/json', 'anthropic-version': '2023-06-01', ...key };
    try {
      return await fetch(`${url}${path}`, { ...init, headers, signal });
    } catch (error) {
      throw this.#broken(error);
    }
  }

  async #read(response: Response): Promise<Exchange> {
    try {
      const body = await response.text();
      this.silences = 0;
      if (response.ok) this.replies.push(body);
      return new Exchange(response.status, response.headers, body);
    } catch (error) {
      throw this.#broken(error);
    }
  }

  #broken(error: unknown): Broken {
    if (!(error instanceof Error)) return new Broken(String(error));
    if (error.name === 'TimeoutError') {
      this.silences++;
      return new Broken(`no whole answer within ${this.#options.timeoutMs / 1000} seconds`);
    }
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    return new Broken(`the connection broke: ${error.message}${cause}`);
  }
}
