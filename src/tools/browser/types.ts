import type { FetchedPage, FetchPage } from '../pages/page.ts';
import type { Citation, Tool } from '../types.ts';

export type { FetchedPage, FetchPage };

/** Where a search goes, and what is found there. */
export interface SearchProvider {
  /** What people and error texts call it: `SearXNG`, `corpus`. */
  readonly name: string;
  /** It asks nobody outside of this machine. A browser over it opens its pages and no others. */
  readonly offline?: true;
  search(query: string, options: SearchOptions): Promise<readonly SearchResult[]>;
  /**
   * Opens what only this provider can: pages of its own (`corpus:/docs/server.md`). Undefined when the address is not its own;
   * the browser then fetches it.
   */
  open?(url: string, signal: AbortSignal): Promise<FetchedPage | undefined>;
}

export interface SearchOptions {
  /** Results at most. */
  readonly topn: number;
  readonly signal: AbortSignal;
}

export interface SearchResult {
  readonly url: string;
  readonly title: string;
  readonly snippet: string;
}

export interface BrowserLimits {
  /** Tokens of a page shown at once, roughly. Default 1024. */
  readonly viewTokens: number;
  /** Results of one search. Default 20. */
  readonly results: number;
  /** Conversations whose pages are kept, the most recently used ones. Default 64. */
  readonly conversations: number;
  /** Pages kept of a conversation. Default 200. */
  readonly pages: number;
  /** Characters of text kept of a conversation. Default 8 Mi. */
  readonly characters: number;
  /** Characters of text kept of all conversations together; those used longest ago lose theirs first. Default 64 Mi. */
  readonly totalCharacters: number;
}

export interface BrowserOptions {
  readonly provider: SearchProvider;
  /** Default: over HTTP, from public addresses only; not at all where the provider is offline and `allowPrivate` is absent. */
  readonly fetchPage?: FetchPage;
  /** Hosts that may be fetched although their address is private: `wiki.intranet`, `10.1.2.3:8080`. Default: none. */
  readonly allowPrivate?: readonly string[];
  readonly limits?: Partial<BrowserLimits>;
}

/** The `browser` tool, which also knows what an answer's citations point to. */
export interface Browser extends Tool {
  /** The citations 【cursor†Lfirst-Llast】 of a text, in order; those that point nowhere are left out. */
  citations(conversation: string, text: string): readonly Citation[];
}
