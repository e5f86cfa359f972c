import { o200kHarmony } from '../../tokenizer/index.ts';
import type { LineRange } from '../types.ts';
import type { StoredPage } from './stored-page.ts';

/** The lines that are shown from `first` on: as many as asked for, or as fit into `viewTokens`, at least one. */
export function viewport(page: StoredPage, first: number, numLines: number, viewTokens: number): LineRange {
  const end = page.lines.length - 1;
  // Whatever is asked for, nobody reads more than a few windows at once.
  const budget = numLines > 0 ? viewTokens * maxWindows : viewTokens;
  let tokens = 0;
  let last = first;
  for (let at = first; at <= end && !(numLines > 0 && at >= first + numLines); at++) {
    tokens += o200kHarmony().encode(numbered(page, at)).length + 1;
    if (tokens > budget && at > first) break;
    last = at;
  }
  return { first, last };
}

const maxWindows = 8;

/** What the model reads: the cursor, what page it is, where in it, and the lines. */
export function display(cursor: number, page: StoredPage, { first, last }: LineRange): string {
  const address = readable(page.url);
  const head = `[${cursor}] ${page.title}${address === '' ? '' : ` (${address})`}`;
  const body: string[] = [];
  for (let at = first; at <= last; at++) body.push(numbered(page, at));
  return `${head}\n**viewing lines [${first} - ${last}] of ${page.lines.length - 1}**\n\n${body.join('\n')}`;
}

function numbered(page: StoredPage, at: number): string {
  return `L${at}: ${page.lines[at]}`;
}

function readable(url: string): string {
  let text = url;
  try {
    text = decodeURIComponent(url);
  } catch {
    // not percent-encoded UTF-8: as it is
  }
  return text.length > 1024 ? `${text.slice(0, 1021)}...` : text;
}
