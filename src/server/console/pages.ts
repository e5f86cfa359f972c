import { fileURLToPath } from 'node:url';
import { OssiaError } from '../../base/index.ts';
import type { RouteGroup } from '../app.ts';
import type { RequestContext } from '../context.ts';
import { ASSET, ROOT_FILE, VIEW_ROUTES, wantsHtml } from './paths.ts';
import { type StaticFile, StaticFiles } from './static-files.ts';

/** `dist/web` of the package: as far from src/server/console as from dist/server/console. */
const BUILT = fileURLToPath(new URL('../../../dist/web', import.meta.url));

/** Nothing from elsewhere, no script but the console's own, and no HTML of a model's that could do anything. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Ossia</title>
<h1>Ossia is running</h1>
<p>Its console has not been built. Run <code>npm run build</code> in Ossia's folder, and load this page again.</p>
<p>The APIs work without it: see <a href="/openapi.json">/openapi.json</a>.</p>
</html>
`;

/**
 * The console: `/` and its views for browsers, and the files that they load. Whoever does not ask for HTML passes through to what
 * else answers. `folder`: where the console was built. Default: the package's own.
 */
export function consolePages(folder = BUILT): RouteGroup {
  const files = new StaticFiles(folder);
  return {
    register(app) {
      for (const path of ['/', ...VIEW_ROUTES]) {
        app.get(path, async (c, next) => {
          if (!wantsHtml(c)) return path === '/' ? next() : unknown(c);
          const page = await files.page();
          const response = page ? await answer(c, page) : notBuilt();
          response.headers.append('vary', 'Accept');
          return response;
        });
      }
      app.get(ASSET, async (c) => {
        const file = await files.get(`assets/${c.req.param('file')}`);
        return file ? answer(c, file) : unknown(c);
      });
      app.get(ROOT_FILE, async (c) => {
        const file = await files.get(c.req.param('file') ?? '');
        return file ? answer(c, file) : unknown(c);
      });
    },
    docs: [
      { method: 'get', path: '/', summary: 'The console, for browsers; for others a line of text' },
      ...VIEW_ROUTES.map((path) => ({ method: 'get' as const, path, summary: 'A view of the console' })),
      { method: 'get', path: ASSET, summary: 'What the console is made of' },
      { method: 'get', path: ROOT_FILE, summary: 'What the console is made of' },
    ],
  };
}

function unknown(c: RequestContext): never {
  throw new OssiaError('server/unknown-route', `There is no ${c.req.path.slice(0, 200)} on this server`);
}

async function answer(c: RequestContext, file: StaticFile): Promise<Response> {
  const headers = new Headers({
    'content-type': file.type,
    etag: file.etag,
    'cache-control': file.isImmutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    'content-security-policy': POLICY,
    vary: 'Accept-Encoding',
  });
  if (isKnown(c.req.header('if-none-match'), file.etag)) return new Response(null, { status: 304, headers });
  const { bytes, encoding } = await file.read(c.req.header('accept-encoding'));
  if (encoding !== undefined) headers.set('content-encoding', encoding);
  headers.set('content-length', String(bytes.length));
  return new Response(new Uint8Array(bytes), { headers });
}

function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  return ifNoneMatch?.split(',').some((tag) => tag.trim() === etag) ?? false;
}

function notBuilt(): Response {
  const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': POLICY };
  return new Response(NOT_BUILT, { status: 503, headers });
}
