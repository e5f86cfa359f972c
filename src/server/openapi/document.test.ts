import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { Turns } from '../../api/index.ts';
import { TurnMemory } from '../../chat/index.ts';
import { createApp, type RouteGroup } from '../app.ts';
import { silent } from '../log.ts';
import { Metrics } from '../metrics/index.ts';
import { metricsRoutes, openApiRoutes, probeRoutes, routeGroups } from '../routes/index.ts';
import { emptyHost } from '../testing.ts';

type Json = { readonly [key: string]: Json } & { readonly length?: number };

async function documentOf(groups: readonly RouteGroup[]): Promise<Json> {
  const context = { host: emptyHost, turns: new Turns({ memory: new TurnMemory() }), log: silent, version: '1.2.3' };
  const app = createApp(context, [...groups, openApiRoutes(groups)]);
  return (await (await app.request('/openapi.json')).json()) as Json;
}

const tree = z.object({
  value: z.string(),
  get children() {
    return z.array(tree).optional();
  },
});

const documented: RouteGroup = {
  register(app) {
    app.post('/v1/trees/:id{.+}', (c) => c.json({}));
    app.get('/v1/bare/:name', (c) => c.json({}));
    app.use('/v1/*', (_c, next) => next());
  },
  docs: [
    {
      method: 'post',
      path: '/v1/trees/:id{.+}',
      summary: 'Plants a tree',
      request: z.object({ root: tree, other: tree.nullish(), when: z.string().transform((text) => new Date(text)) }),
      response: z.object({ ok: z.boolean() }),
      stream: 'sse',
    },
  ],
};

/** Every `$ref` of the document, which must lead somewhere inside it. */
function checkReferences(value: unknown, document: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.entries(value).reduce((sum, [key, inner]) => {
    if (key !== '$ref') return sum + checkReferences(inner, document);
    const steps = String(inner).replace(/^#\//, '').split('/');
    const found = steps.reduce<Json | undefined>((at, step) => at?.[step], document);
    assert.ok(found !== undefined && String(inner).startsWith('#/'), `${inner} leads nowhere`);
    return sum + 1;
  }, 0);
}

test('a documented route stands in the document with its schemas, another one with its path', async () => {
  const document = await documentOf([documented]);
  assert.deepEqual(Object.keys(document.paths!), ['/v1/trees/{id}', '/openapi.json', '/v1/bare/{name}']);
  const { post } = document.paths!['/v1/trees/{id}']!;
  assert.equal(post!.operationId, 'postV1TreesId');
  assert.deepEqual(post!.parameters, [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }]);
  assert.deepEqual(Object.keys(post!.responses!['200']!.content!), ['application/json', 'text/event-stream']);
  assert.ok(checkReferences(document, document) >= 4);
  const request = document.components!.schemas!.postV1TreesIdRequest!;
  assert.deepEqual(request.required, ['root', 'when']);
  assert.deepEqual(request.properties!.when, { type: 'string' });
});

test('the server’s own document is OpenAPI 3.1 as it should be', async () => {
  const document = await documentOf([probeRoutes(), metricsRoutes(new Metrics('1.2.3')), ...routeGroups]);
  assert.equal(document.openapi, '3.1.0');
  assert.deepEqual([document.info!.title, document.info!.version], ['Ossia', '1.2.3']);
  const ids = new Set<unknown>();
  for (const [path, operations] of Object.entries(document.paths!)) {
    assert.match(path, /^\/[^:*]*$/);
    for (const [method, operation] of Object.entries(operations)) {
      assert.match(method, /^(?:get|post|put|patch|delete)$/);
      assert.ok(!ids.has(operation.operationId), `${operation.operationId} twice`);
      ids.add(operation.operationId);
      assert.ok(String(operation.summary).length > 3);
      assert.ok('200' in operation.responses!);
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const parameters = (operation.parameters ?? []) as unknown as readonly Json[];
      assert.deepEqual(
        parameters.map(({ name }) => name),
        names,
      );
    }
  }
  for (const path of [
    '/v1/responses',
    '/v1/chat/completions',
    '/v1/completions',
    '/v1/messages',
    '/api/chat',
    '/health',
    '/metrics',
  ]) {
    assert.ok(path in document.paths!, path);
  }
  assert.ok(checkReferences(document, document) > 0);
});
