import { OssiaError } from '../../base/index.ts';
import { PageError } from '../pages/page.ts';
import { PageReader } from '../pages/page-reader.ts';
import { openWeb } from '../pages/web.ts';
import type { Citation, PageSource, ToolAction, ToolRequest, ToolResult } from '../types.ts';
import { findArguments, type OpenArguments, openArguments, searchArguments, UsageError } from './arguments.ts';
import { PageStore } from './page-store.ts';
import { findPage, type LinkTarget, type StoredPage, searchPage, storedPage } from './stored-page.ts';
import type { Browser, BrowserLimits, BrowserOptions, FetchPage, SearchProvider } from './types.ts';
import { display, viewport } from './view.ts';

/**
 * Opens the `browser` tool, as the models were trained with it: pages get cursors, lines and links get numbers.
 *
 * ```ts
 * const browser = openBrowser({ provider: openCorpus() });
 * ```
 */
export function openBrowser(options: BrowserOptions): Browser {
  return new BrowserTool(options);
}

class BrowserTool implements Browser {
  readonly name = 'browser';
  readonly builtin = 'browser';
  readonly details: readonly string[];
  readonly reachesOut: boolean;
  readonly #provider: SearchProvider;
  readonly #fetchPage: FetchPage;
  readonly #limits: BrowserLimits;
  readonly #reader = new PageReader();
  /** By conversation, the one that was used longest ago first. */
  readonly #stores = new Map<string, PageStore>();

  constructor({ provider, fetchPage, allowPrivate, limits }: BrowserOptions) {
    this.#provider = provider;
    this.reachesOut = !provider.offline || fetchPage !== undefined || allowPrivate !== undefined;
    this.details = [this.reachesOut ? provider.name : 'offline'];
    this.#fetchPage = fetchPage ?? (this.reachesOut ? openWeb({ ...(allowPrivate && { allowPrivate }) }) : refusePage);
    const kept = { conversations: 64, pages: 200, characters: 8 * 2 ** 20, totalCharacters: 64 * 2 ** 20 };
    this.#limits = { viewTokens: 1024, results: 20, ...kept, ...limits };
  }

  async call(request: ToolRequest): Promise<ToolResult> {
    request.signal.throwIfAborted();
    try {
      switch (request.name.replace(/^browser\./, '')) {
        case 'search':
          return await this.#search(request);
        case 'open':
          return await this.#open(request);
        case 'find':
          return this.#find(request);
        default:
          throw new UsageError(`There is no ${request.name}: call browser.search, browser.open or browser.find`);
      }
    } catch (error) {
      request.signal.throwIfAborted();
      if (!isForTheModel(error)) throw error;
      return { text: error.message, isError: true };
    }
  }

  citations(conversation: string, text: string): readonly Citation[] {
    return this.#stores.get(conversation)?.citations(text) ?? [];
  }

  forget(conversation: string): void {
    this.#stores.delete(conversation);
  }

  async close(): Promise<void> {
    this.#stores.clear();
    await this.#reader.close();
  }

  async #search({ arguments: text, conversation, signal }: ToolRequest): Promise<ToolResult> {
    const { query, topn } = searchArguments(text);
    const wanted = Math.min(Math.max(1, topn), this.#limits.results);
    const found = await this.#provider.search(query, { topn: wanted, signal });
    const results = found.slice(0, wanted);
    const sources = results.map(({ url, title }): PageSource => ({ url, title }));
    return this.#show(conversation, searchPage(query, results), {}, () => ({
      type: 'search',
      query,
      results: sources,
    }));
  }

  async #open({ arguments: text, conversation, signal }: ToolRequest): Promise<ToolResult> {
    const wanted = openArguments(text);
    const store = this.#store(conversation);
    const target = targetOf(wanted, store);
    const page = target.within?.page ?? (await this.#load(target.url, wanted, store, signal));
    // A few lines before the passage that a link leads to, so that it does not begin in the middle.
    const passage = target.within ? Math.max(0, target.within.line - linesBefore) : 0;
    return this.#show(conversation, page, { ...wanted, loc: wanted.loc ?? passage }, (cursor, lines) => ({
      type: 'open_page',
      cursor,
      page: { url: page.url, title: page.title },
      lines,
    }));
  }

  #find({ arguments: text, conversation }: ToolRequest): ToolResult {
    const { pattern, cursor } = findArguments(text);
    const page = pageAt(this.#store(conversation), cursor);
    if (page.kind !== 'page') throw new UsageError('`find` looks through pages, not through results: open one first');
    const { page: found, matches } = findPage(page, pattern);
    const source = { url: page.url, title: page.title };
    return this.#show(conversation, found, {}, (at) => ({
      type: 'find_in_page',
      cursor: at,
      page: source,
      pattern,
      matches,
    }));
  }

  /** Opening an address again fetches it again; following a link takes the page that is there. */
  async #load(
    url: string,
    { id, viewSource }: OpenArguments,
    store: PageStore,
    signal: AbortSignal,
  ): Promise<StoredPage> {
    const known = typeof id === 'string' || viewSource ? undefined : store.find(url);
    if (known) return known;
    try {
      const own = await this.#provider.open?.(url, signal);
      signal.throwIfAborted();
      const fetched = own ?? (await this.#fetchPage(url, signal));
      signal.throwIfAborted();
      const page = await this.#reader.read(fetched, viewSource);
      signal.throwIfAborted();
      return storedPage(viewSource ? { ...page, url: `view-source:${page.url}` } : page);
    } catch (error) {
      if (!(error instanceof PageError)) throw error;
      throw new PageError(`Error fetching \`${url.slice(0, 1000)}\`: ${error.message}`, { cause: error });
    }
  }

  #show(
    conversation: string,
    page: StoredPage,
    { loc = 0, numLines = -1 }: { loc?: number | undefined; numLines?: number },
    action: (cursor: number, lines: { first: number; last: number }) => ToolAction,
  ): ToolResult {
    const last = page.lines.length - 1;
    if (loc > last) throw new UsageError(`Line ${loc} is beyond the end: the last line of the page is ${last}`);
    const lines = viewport(page, loc, numLines, this.#limits.viewTokens);
    const cursor = this.#store(conversation).add(page);
    this.#forgetOldest();
    return { text: display(cursor, page, lines), action: action(cursor, lines) };
  }

  #store(conversation: string): PageStore {
    const store = this.#stores.get(conversation) ?? new PageStore(this.#limits);
    this.#stores.delete(conversation); // to come back as the newest
    this.#stores.set(conversation, store);
    this.#forgetOldest();
    return store;
  }

  #forgetOldest(): void {
    const { conversations, totalCharacters } = this.#limits;
    let characters = 0;
    for (const store of this.#stores.values()) characters += store.characters;
    for (const [conversation, store] of this.#stores) {
      const fits = this.#stores.size <= conversations && characters <= totalCharacters;
      if (fits || this.#stores.size === 1) return;
      this.#stores.delete(conversation);
      characters -= store.characters;
    }
  }
}

const linesBefore = 4;

async function refusePage(): Promise<never> {
  throw new PageError('The web cannot be reached from here: search, and open a link of the results');
}

function targetOf({ id, cursor, viewSource }: OpenArguments, store: PageStore): LinkTarget {
  if (typeof id === 'string') return { url: completed(id) };
  const page = pageAt(store, cursor);
  if (id === undefined) {
    if (!viewSource) return { url: page.url, within: { page, line: 0 } };
    if (page.kind !== 'page') throw new UsageError('Only pages have a source: open one first');
    return { url: page.url };
  }
  const target = page.targets[id];
  if (target) return target;
  const known = page.targets.length === 0 ? 'it has no links' : `its links go from 0 to ${page.targets.length - 1}`;
  throw new UsageError(`There is no link ${id} on the page ${page.title}: ${known}`);
}

function pageAt(store: PageStore, cursor: number | undefined): StoredPage {
  if (store.current < 0) throw new UsageError('There is no page yet: search for something, or open an address');
  const page = store.get(cursor ?? store.current);
  if (page) return page;
  const why = cursor! > store.current ? `cursors go from 0 to ${store.current}` : 'it was too long ago: open it again';
  throw new UsageError(`There is no page with cursor ${cursor}: ${why}`);
}

/** Models leave the scheme out now and then. */
function completed(address: string): string {
  return /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(address) ? address.replace(/^view-source:/i, '') : `https://${address}`;
}

function isForTheModel(error: unknown): error is Error {
  return (
    error instanceof UsageError ||
    error instanceof PageError ||
    (error instanceof OssiaError && error.code === 'tools/search-failed')
  );
}
