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

export function searxng(_options: SearxngOptions): SearchProvider {
  throw new TypeError('Not there yet');
}
export function exa(_options: KeyedProviderOptions): SearchProvider {
  throw new TypeError('Not there yet');
}
export function brave(_options: KeyedProviderOptions): SearchProvider {
  throw new TypeError('Not there yet');
}
export function youCom(_options: KeyedProviderOptions): SearchProvider {
  throw new TypeError('Not there yet');
}
