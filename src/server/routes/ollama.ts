import type { ZodType } from 'zod';
import { json, ollama, type Reply } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { readBody } from '../http/body.ts';
import { send } from '../http/send.ts';

/** Ollama's API, so that what speaks it works by changing a port. */
export const ollamaRoutes: RouteGroup = {
  errors: { prefix: '/api/', reply: ollama.ollamaError },
  docs: [
    {
      ...post('/api/chat', 'Answers a conversation; without messages, loads or unloads a model'),
      request: ollama.chatSchema,
      stream: 'ndjson',
    },
    {
      ...post('/api/generate', 'Answers a prompt; without one, loads or unloads a model'),
      request: ollama.generateSchema,
      stream: 'ndjson',
    },
    { method: 'get', path: '/api/tags', summary: 'Lists the models here' },
    { method: 'get', path: '/api/ps', summary: 'Lists the models that are loaded' },
    { method: 'get', path: '/api/version', summary: 'The version of Ollama that this API is like' },
    { ...post('/api/show', 'Describes a model'), request: ollama.nameSchema },
    { ...post('/api/pull', 'Downloads a model'), request: ollama.pullSchema, stream: 'ndjson' },
    {
      ...post('/api/create', 'Makes a model of another, with instructions and parameters'),
      request: ollama.createSchema,
      stream: 'ndjson',
    },
    { ...post('/api/copy', 'Gives a model a second name'), request: ollama.copySchema },
    { method: 'delete', path: '/api/delete', summary: 'Deletes a model', request: ollama.nameSchema },
  ],
  register(app, { host, turns }) {
    const state = ollama.ollamaState({ host, turns });
    app.get('/api/version', () => send(json({ version: ollama.OLLAMA_VERSION })));
    app.get('/api/tags', async () => send(await ollama.tags(state)));
    app.get('/api/ps', async () => send(await ollama.ps(state)));
    app.post(
      '/api/chat',
      answer(ollama.chatSchema, (body, asker) => ollama.chat(body, state, asker)),
    );
    app.post(
      '/api/generate',
      answer(ollama.generateSchema, (body, asker) => ollama.generate(body, state, asker)),
    );
    app.post(
      '/api/show',
      answer(ollama.nameSchema, (body) => ollama.show(body, host)),
    );
    app.post(
      '/api/pull',
      answer(ollama.pullSchema, (body, asker) => ollama.pull(body, host, asker)),
    );
    app.post(
      '/api/create',
      answer(ollama.createSchema, (body) => ollama.create(body, host)),
    );
    app.post(
      '/api/copy',
      answer(ollama.copySchema, (body) => ollama.copy(body, host)),
    );
    app.delete(
      '/api/delete',
      answer(ollama.nameSchema, (body) => ollama.remove(body, host)),
    );
    for (const [path, why] of Object.entries(UNSUPPORTED)) app.post(path, () => refuse(path, why));
    app.get('/api/blobs/:digest', () => {
      throw new OssiaError('api/not-found', 'This server keeps no uploads');
    });
  },
};

/** What Ollama has and this server does not, and why. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  '/api/push': 'it publishes no models',
  '/api/embed': 'gpt-oss makes no embeddings',
  '/api/embeddings': 'gpt-oss makes no embeddings',
  '/api/blobs/:digest': 'models are made of those that are here, not of uploads',
  '/v1/systemone': 'it has no decision models',
};

function refuse(path: string, why: string): never {
  throw new OssiaError('api/unsupported', `This server does not have ${path}: ${why}`);
}

function post(path: string, summary: string): { method: 'post'; path: string; summary: string } {
  return { method: 'post', path, summary };
}

/** A route that reads its body by a schema. */
function answer<T>(schema: ZodType<T>, reply: (body: T, asker: ollama.OllamaRequest) => Promise<Reply>) {
  return async (c: RequestContext) => send(await reply(await readBody(c, schema), askerOf(c)));
}

function askerOf(c: RequestContext): ollama.OllamaRequest {
  return { id: c.get('requestId'), client: c.get('client'), signal: c.get('signal') };
}
