import type { RequestContext } from '../context.ts';

/** Paths of the page itself: the program in the page knows which of its views each of them is. */
const VIEWS = ['chat', 'inspector', 'models', 'dashboard'] as const;

/** What Vite puts beside the page, by the endings that it may have. */
export const ROOT_FILE = '/:file{[\\w-]+\\.(?:svg|png|ico|webmanifest|txt|md|js|css|woff2)}';
export const ASSET = '/assets/:file{.+}';
export const VIEW_ROUTES: readonly string[] = VIEWS.flatMap((view) => [`/${view}`, `/${view}/*`]);

const PAGE = new RegExp(
  `^/(?:$|assets/|[\\w-]+\\.(?:svg|png|ico|webmanifest|txt|md|js|css|woff2)$|(?:${VIEWS.join('|')})(?:/|$))`,
);

/** Whether a request is for the page or its parts, which tell nothing of what the server has or does. */
export function isForConsolePage(c: RequestContext): boolean {
  const { method, path } = c.req;
  if ((method !== 'GET' && method !== 'HEAD') || !PAGE.test(path)) return false;
  return path !== '/' || wantsHtml(c);
}

/** As browsers do that show a page. */
export function wantsHtml(c: RequestContext): boolean {
  return c.req.header('accept')?.includes('text/html') ?? false;
}
