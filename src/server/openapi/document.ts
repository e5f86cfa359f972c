import { METHOD_NAME_ALL } from 'hono/router';
import { type ZodType, z } from 'zod';
import type { App, RouteGroup } from '../app.ts';
import type { RouteDoc } from './route-doc.ts';

type Json = Readonly<Record<string, unknown>>;

/** An OpenAPI 3.1 description of every route: in full where its group documents it, else its path alone. */
export function openApiDocument(app: App, groups: readonly RouteGroup[], version: string): Json {
  const documented = groups.flatMap(({ docs = [] }) => docs);
  const known = new Set(documented.map(({ method, path }) => `${method} ${path}`));
  const bare = routesOf(app).filter(({ method, path }) => !known.has(`${method} ${path}`));
  const paths: Record<string, Record<string, Json>> = {};
  const schemas: Record<string, Json> = {};
  for (const doc of [...documented, ...bare]) {
    const template = templateOf(doc.path);
    paths[template] = { [doc.method]: operation(doc, schemas), ...paths[template] };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Ossia', version, summary: "OpenAI's open-weight models on a machine of your own" },
    paths,
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        key: { type: 'apiKey', in: 'header', name: 'x-api-key' },
      },
    },
    // Keys only where the server was started with some.
    security: [{}, { bearer: [] }, { key: [] }],
  };
}

/** All routes that the application has, each once; middleware is none. */
function routesOf(app: App): RouteDoc[] {
  return app.routes.flatMap(({ method, path }) => {
    const name = method.toLowerCase();
    return method !== METHOD_NAME_ALL && isMethod(name) ? [{ method: name, path, summary: `${method} ${path}` }] : [];
  });
}

function isMethod(method: string): method is RouteDoc['method'] {
  return ['get', 'post', 'put', 'patch', 'delete'].includes(method);
}

/** `/v1/models/:id{.+}` → `/v1/models/{id}`. */
function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)(?:\{[^}]*\})?\??/g, '{$1}');
}

function operation(
  { method, path, summary, request, response, stream }: RouteDoc,
  schemas: Record<string, Json>,
): Json {
  const operationId = idOf(method, path);
  const refer = (type: ZodType, io: 'input' | 'output', name: string) => {
    schemas[name] ??= schemaOf(type, io, name);
    return jsonContent({ $ref: `#/components/schemas/${name}` });
  };
  const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const body = request && { required: true, content: refer(request, 'input', `${operationId}Request`) };
  const content = {
    ...(response === undefined ? {} : refer(response, 'output', `${operationId}Response`)),
    ...streamContent(stream),
  };
  return {
    summary,
    operationId,
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined ? {} : { requestBody: body }),
    responses: {
      200: { description: 'As asked', ...(Object.keys(content).length === 0 ? {} : { content }) },
      default: { description: 'What went wrong, and what to do next', content: jsonContent({ type: 'object' }) },
    },
  };
}

function streamContent(stream: RouteDoc['stream']): Json {
  if (stream === undefined || stream === false) return {};
  return { [stream === 'ndjson' ? 'application/x-ndjson' : 'text/event-stream']: { schema: { type: 'string' } } };
}

function jsonContent(schema: Json): Json {
  return { 'application/json': { schema } };
}

/** What a schema transforms or refines beyond JSON Schema is left open. */
function schemaOf(type: ZodType, io: 'input' | 'output', name: string): Json {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    io,
    unrepresentable: 'any',
    target: 'draft-2020-12',
  });
  return rebased(schema, `#/components/schemas/${name}`) as Json;
}

/** References start at the root, and a schema inside a document is not at the root. */
function rebased(value: unknown, root: string): unknown {
  if (Array.isArray(value)) return value.map((item) => rebased(item, root));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      if (key === '$ref' && typeof inner === 'string') return [key, `${root}${inner.slice(1)}`];
      return [key, rebased(inner, root)];
    }),
  );
}

/** `POST /v1/chat/completions` → `postV1ChatCompletions`. */
function idOf(method: string, path: string): string {
  const words = path.split(/[^a-zA-Z0-9]+/).filter(Boolean);
  return [method, ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('');
}
