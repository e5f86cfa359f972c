import assert from 'node:assert/strict';
import { checkStream, parseEvents, type WireEvent } from './response-stream.ts';
import type { TestServer } from './server.ts';

export type Body = Record<string, unknown>;

export interface Item extends Body {
  id: string;
  type: string;
  status: string;
  content: { type: string; text: string; logprobs: { token: string; bytes: number[]; top_logprobs: unknown[] }[] }[];
  summary: { text: string }[];
}

export interface Whole extends Body {
  id: string;
  status: string;
  output: Item[];
  usage: { input_tokens: number; output_tokens: number; input_tokens_details: { cached_tokens: number } };
}

export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;
  readonly message: string;
}

/** Asks a server's Responses as any HTTP client would; every stream that it reads is checked. */
export class ResponsesClient {
  readonly #server: TestServer;

  constructor(server: TestServer) {
    this.#server = server;
  }

  async request(path: string, body?: object, method = body === undefined ? 'GET' : 'POST'): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    return await fetch(`${this.#server.url}/v1/responses${path}`, init);
  }

  async json(path: string, body?: object, method?: string): Promise<Body> {
    const response = await this.request(path, body, method);
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return JSON.parse(text) as Body;
  }

  async create(body: object): Promise<Whole> {
    return (await this.json('', body)) as Whole;
  }

  async stream(body: object): Promise<{ events: WireEvent[]; response: Whole }> {
    const response = await this.request('', { ...body, stream: true });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    assert.match(response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const events = parseEvents(text);
    return { events, response: checkStream(events) as Whole };
  }

  async refused(path: string, body?: object, method?: string): Promise<Refusal> {
    const response = await this.request(path, body, method);
    const text = await response.text();
    const { error } = JSON.parse(text) as { error: Omit<Refusal, 'status'> };
    assert.ok(response.status >= 400, text);
    return { ...error, status: response.status };
  }
}

export const textOf = ({ output }: Whole): string =>
  output.flatMap(({ type, content }) => (type === 'message' ? content.map(({ text }) => text) : [])).join('');
export const typesOf = ({ output }: Whole): string[] => output.map(({ type }) => type);
