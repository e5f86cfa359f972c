import type { SearchProvider } from './types.ts';

/** Searches a folder of Markdown, text and HTML. Default: Ossia's own documents. */
export function openCorpus(_folder?: string): SearchProvider {
  throw new TypeError('Not there yet');
}
