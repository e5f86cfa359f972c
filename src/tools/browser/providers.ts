import { OssiaError } from '../../base/index.ts';
import { askApi, listAt, resultsOf } from './search-api.ts';
import type { SearchProvider } from './types.ts';

export interface KeyedProviderOptions {
  readonly key: string;
  /** Where the API is. Default: the official address. */
  readonly url?: string;
  /** Milliseconds that a search may take. Default 15,000. */
  readonly timeoutMs?: number;
}

export interface SearxngOptions {
  /** Of an instance that offers the format `json`: `http://localhost:8888`. */
  readonly url: string;
  readonly timeoutMs?: number;
}

const defaultTimeoutMs = 15_000;

/** SearXNG, a search engine to run oneself; it needs `json` among `search.formats` of its settings. */
export function searxng({ url, timeoutMs = defaultTimeoutMs }: SearxngOptions): SearchProvider {
  const base = baseUrl('SearXNG', url);
  return {
    name: 'SearXNG',
    async search(query, { topn, signal }) {
      const answer = await askApi({
        provider: 'SearXNG',
        url: endpoint(base, 'search', { q: query, format: 'json' }),
        timeoutMs,
        signal,
      });
      return resultsOf(listAt('SearXNG', answer, 'results'), ['content']).slice(0, topn);
    },
  };
}

/** Exa: https://exa.ai/docs/reference/search */
export function exa({
  key,
  url = 'https://api.exa.ai',
  timeoutMs = defaultTimeoutMs,
}: KeyedProviderOptions): SearchProvider {
  const base = baseUrl('Exa', url);
  const token = checkKey('Exa', key);
  return {
    name: 'Exa',
    async search(query, { topn, signal }) {
      const answer = await askApi({
        provider: 'Exa',
        url: endpoint(base, 'search'),
        headers: { 'x-api-key': token },
        body: { query, numResults: topn, contents: { highlights: true } },
        timeoutMs,
        signal,
      });
      return resultsOf(listAt('Exa', answer, 'results'), ['highlights', 'summary', 'text']);
    },
  };
}

/** Brave Search: https://api-dashboard.search.brave.com/api-reference/web/search/get */
export function brave({
  key,
  url = 'https://api.search.brave.com/res/v1',
  timeoutMs = defaultTimeoutMs,
}: KeyedProviderOptions): SearchProvider {
  const base = baseUrl('Brave', url);
  const token = checkKey('Brave', key);
  return {
    name: 'Brave',
    async search(query, { topn, signal }) {
      // It takes 400 characters and 50 words, and gives 20 results at most.
      const words = query.split(/\s+/).slice(0, 50).join(' ').slice(0, 400);
      const answer = await askApi({
        provider: 'Brave',
        url: endpoint(base, 'web/search', { q: words, count: String(Math.min(topn, 20)) }),
        headers: { 'x-subscription-token': token },
        timeoutMs,
        signal,
      });
      return resultsOf(listAt('Brave', answer, 'web', 'results'), ['description', 'extra_snippets']);
    },
  };
}

/** You.com: https://you.com/docs/api-reference/search/v1-search */
export function youCom({
  key,
  url = 'https://ydc-index.io',
  timeoutMs = defaultTimeoutMs,
}: KeyedProviderOptions): SearchProvider {
  const base = baseUrl('You.com', url);
  const token = checkKey('You.com', key);
  return {
    name: 'You.com',
    async search(query, { topn, signal }) {
      const answer = await askApi({
        provider: 'You.com',
        url: endpoint(base, 'v1/search', { query, count: String(topn) }),
        headers: { 'x-api-key': token },
        timeoutMs,
        signal,
      });
      const entries = [...listAt('You.com', answer, 'results', 'web'), ...listAt('You.com', answer, 'results', 'news')];
      return resultsOf(entries, ['snippets', 'description']).slice(0, topn);
    },
  };
}

function baseUrl(provider: string, url: string): URL {
  if (URL.canParse(url) && /^https?:/i.test(url)) return new URL(url.endsWith('/') ? url : `${url}/`);
  throw new OssiaError('tools/bad-option', `Cannot search with ${provider}: "${url}" is not an http or https address`);
}

function endpoint(base: URL, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = new URL(path, base);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}

/** Keys go into headers, and an error text about a bad header would show it. */
function checkKey(provider: string, key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new OssiaError(
    'tools/bad-option',
    `Cannot search with ${provider}: its key is empty or has characters that no key has`,
  );
}
