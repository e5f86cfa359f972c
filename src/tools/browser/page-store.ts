import type { Citation, LineRange } from '../types.ts';
import { charactersOf, type StoredPage, sourceOf } from './stored-page.ts';
import type { BrowserLimits } from './types.ts';

/** The pages of one conversation, by cursor: each display gets the next number, also of a page shown before. */
export class PageStore {
  readonly #limits: Pick<BrowserLimits, 'pages' | 'characters'>;
  readonly #pages = new Map<number, StoredPage>();
  /** How many cursors show each page, and its size. */
  readonly #kept = new Map<StoredPage, { cursors: number; characters: number }>();
  #characters = 0;
  #next = 0;

  constructor(limits: Pick<BrowserLimits, 'pages' | 'characters'>) {
    this.#limits = limits;
  }

  /** The cursor of the latest display, -1 before the first. */
  get current(): number {
    return this.#next - 1;
  }

  /** Characters of text that are kept. */
  get characters(): number {
    return this.#characters;
  }

  get(cursor: number): StoredPage | undefined {
    return this.#pages.get(cursor);
  }

  /** A page of that address, if it was opened before. */
  find(url: string): StoredPage | undefined {
    for (const page of this.#kept.keys()) if (page.kind === 'page' && page.url === url) return page;
    return undefined;
  }

  add(page: StoredPage): number {
    const cursor = this.#next++;
    this.#pages.set(cursor, page);
    const kept = this.#kept.get(page);
    if (kept) kept.cursors++;
    else {
      const characters = charactersOf(page);
      this.#kept.set(page, { cursors: 1, characters });
      this.#characters += characters;
    }
    this.#forgetOldest(cursor);
    return cursor;
  }

  #forgetOldest(newest: number): void {
    for (const [cursor, page] of this.#pages) {
      const fits = this.#pages.size <= this.#limits.pages && this.#characters <= this.#limits.characters;
      if (fits || cursor === newest) return;
      this.#pages.delete(cursor);
      const kept = this.#kept.get(page)!;
      if (--kept.cursors > 0) continue;
      this.#kept.delete(page);
      this.#characters -= kept.characters;
    }
  }

  /** The citations of a text, in order. Those of pages or lines that are not there are left out. */
  citations(text: string): readonly Citation[] {
    const citations: Citation[] = [];
    for (const match of text.matchAll(/【(\d{1,9})†L(\d{1,9})(?:\s*[-–]\s*L?(\d{1,9}))?】/g)) {
      const page = this.get(Number(match[1]));
      const first = Number(match[2]);
      const last = Math.min(Number(match[3] ?? first), (page?.lines.length ?? 0) - 1);
      if (!page || first > last) continue;
      const lines = { first, last };
      citations.push({
        text: match[0],
        start: match.index,
        end: match.index + match[0].length,
        page: sourceOf(page, lines),
        lines,
        quote: quoteOf(page, lines),
      });
    }
    return citations;
  }
}

/** An answer may cite a long page a thousand times. */
function quoteOf({ lines }: StoredPage, { first, last }: LineRange): string {
  let quote = lines[first]!;
  for (let at = first + 1; at <= last && quote.length < maxQuote; at++) quote += `\n${lines[at]}`;
  return quote.slice(0, maxQuote);
}

/** Characters of a quote at most. */
const maxQuote = 4_000;
