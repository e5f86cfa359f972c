import assert from 'node:assert/strict';
import type { Json } from './chat-stream.ts';
import type { TestServer } from './server.ts';

/** The body of a request that has to succeed. */
export async function ask(server: TestServer, path: string, request: object): Promise<Json> {
  const { status, text } = await post(server, path, request);
  assert.equal(status, 200, text);
  return JSON.parse(text);
}

/** The text of a stream that has to begin. */
export async function askStream(server: TestServer, path: string, request: object): Promise<string> {
  const { status, text, headers } = await post(server, path, { ...request, stream: true });
  assert.equal(status, 200, text);
  assert.match(headers.get('content-type') ?? '', /^text\/event-stream/);
  return text;
}

/** `status` and `error` of a request that has to be refused. */
export async function refusal(server: TestServer, path: string, request: unknown): Promise<Json> {
  const { status, text } = await post(server, path, request);
  assert.ok(status >= 400, text);
  return { status, ...JSON.parse(text).error };
}

async function post(server: TestServer, path: string, request: unknown) {
  const body = typeof request === 'string' ? request : JSON.stringify(request);
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}${path}`, { method: 'POST', body, headers });
  return { status: response.status, text: await response.text(), headers: response.headers };
}
