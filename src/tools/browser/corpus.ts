import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import MiniSearch from 'minisearch';
import { OssiaError } from '../../base/index.ts';
import { decodeText } from '../pages/charset.ts';
import { type FetchedPage, PageError } from '../pages/page.ts';
import { firstHeading } from '../pages/plain.ts';
import { corpusLimits, corpusType, listCorpus, readCorpusFile } from './corpus-files.ts';
import { bestPassage, opening } from './passage.ts';
import type { SearchOptions, SearchProvider, SearchResult } from './types.ts';

/** Where Ossia's own documents are: three folders up from src/tools/browser as from dist/tools/browser. */
const ownRoot = fileURLToPath(new URL('../../..', import.meta.url));
const ownParts = ['README.md', 'docs'];

/**
 * Searches the Markdown, text and HTML files of a folder, without any network. They are read and indexed at the first search.
 * Their addresses are like `corpus:/docs/server.md`. Default: Ossia's own documents. Throws `tools/bad-option` when the folder
 * is none.
 */
export function openCorpus(folder?: string): SearchProvider {
  if (folder === undefined) return new Corpus(ownRoot, ownParts);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new OssiaError('tools/bad-option', `Cannot search in "${folder}": it is not a folder`);
  }
  return new Corpus(resolve(folder));
}

interface Entry {
  readonly id: number;
  readonly path: string;
  readonly title: string;
  readonly text: string;
}

class Corpus implements SearchProvider {
  readonly name = 'corpus';
  readonly offline = true;
  readonly #root: string;
  readonly #parts: readonly string[] | undefined;
  #index: Promise<Index> | undefined;

  constructor(root: string, parts?: readonly string[]) {
    this.#root = root;
    this.#parts = parts;
  }

  async search(query: string, { topn, signal }: SearchOptions): Promise<readonly SearchResult[]> {
    const index = await this.#indexed();
    signal.throwIfAborted();
    return index.search(query, topn);
  }

  async open(url: string): Promise<FetchedPage | undefined> {
    if (!url.startsWith('corpus:')) return undefined;
    const path = pathOf(url);
    const { paths } = await this.#indexed();
    if (path === undefined || !paths.has(path)) {
      throw new PageError('There is no such page in the corpus: search, and open a link of the results');
    }
    try {
      const body = await readCorpusFile(this.#root, path);
      return { url: addressOf(path), contentType: corpusType(path)!, body };
    } catch (error) {
      throw new PageError('The page was in the corpus, but cannot be read any more', { cause: error });
    }
  }

  #indexed(): Promise<Index> {
    this.#index ??= indexFolder(this.#root, this.#parts).catch((error: unknown) => {
      this.#index = undefined;
      const found = error instanceof Error ? error.message : String(error);
      throw new OssiaError('tools/search-failed', `Cannot read the corpus: ${found}`, { cause: error });
    });
    return this.#index;
  }
}

interface Index {
  readonly paths: ReadonlySet<string>;
  search(query: string, topn: number): SearchResult[];
}

async function indexFolder(root: string, parts: readonly string[] | undefined): Promise<Index> {
  const search = new MiniSearch<Entry>({
    fields: ['title', 'path', 'text'],
    searchOptions: {
      boost: { title: 3, path: 2 },
      prefix: (term) => term.length > 3,
      fuzzy: (term) => (term.length > 5 ? 0.15 : false),
    },
  });
  const entries: Entry[] = [];
  let bytes = 0;
  for (const path of await listCorpus(root, parts)) {
    const body = await readCorpusFile(root, path).catch(() => undefined); // gone, or not for us: no reason to give up
    if (!body) continue;
    bytes += body.length;
    if (bytes > corpusLimits.bytes) break;
    const entry = entryOf(entries.length, path, body);
    entries.push(entry);
    search.add(entry);
  }
  return {
    paths: new Set(entries.map(({ path }) => path)),
    search: (query, topn) =>
      search
        .search(query)
        .slice(0, topn)
        .map(({ id, queryTerms, terms }) => {
          const { path, title, text } = entries[id as number]!;
          return {
            url: addressOf(path),
            title,
            snippet: bestPassage(text, [...new Set(queryTerms)]) ?? bestPassage(text, terms) ?? opening(text),
          };
        }),
  };
}

function entryOf(id: number, path: string, body: Uint8Array): Entry {
  const type = corpusType(path)!;
  const source = decodeText(body, type);
  if (type !== 'text/html') {
    return { id, path, title: firstHeading(source.slice(0, 20_000)) ?? path, text: source };
  }
  const title = /<title[^>]{0,200}>([^<]{1,300})/i.exec(source)?.[1]?.trim() ?? path;
  return { id, path, title, text: withoutTags(source) };
}

/** Good enough to search in; pages that are opened are read properly. */
function withoutTags(html: string): string {
  return html
    .replaceAll(/<(script|style)\b[^<]*(?:<(?!\/\1)[^<]*)*/gi, ' ')
    .replaceAll(/<[^<>]{0,2000}>/g, ' ')
    .replaceAll(/&[a-z#0-9]{1,10};/gi, ' ');
}

function addressOf(path: string): string {
  return `corpus:/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** The path below the root that an address means; undefined when it means none. */
function pathOf(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  try {
    return decodeURIComponent(new URL(url).pathname).replace(/^\/+/, '');
  } catch {
    return undefined;
  }
}
