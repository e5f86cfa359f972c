import { signal } from '@preact/signals';

/** `#/chat/<conversation>`, `#/inspector/<turn>` … : the page's name, and what follows it. */
export interface Route {
  readonly page: string;
  readonly rest: string;
}

export function parseRoute(hash: string): Route {
  const [page = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  return { page: page === '' ? 'chat' : page, rest: rest.map(decode).join('/') };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function hrefOf(page: string, rest = ''): string {
  return rest === '' ? `#/${page}` : `#/${page}/${encodeURIComponent(rest)}`;
}

export const route = signal<Route>(parseRoute(globalThis.location?.hash ?? ''));

/** `/inspector/…`, as people write it, is `/#/inspector/…`. */
export function fromPath(): void {
  if (location.pathname.length > 1) location.replace(`/#${location.pathname}`);
}

export function goTo(page: string, rest = ''): void {
  location.hash = hrefOf(page, rest);
}

globalThis.addEventListener?.('hashchange', () => {
  route.value = parseRoute(location.hash);
});
