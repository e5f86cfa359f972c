import type { Page } from '../pages/page.ts';
import { plainText, wrap } from '../pages/wrap.ts';
import type { LineRange, PageSource } from '../types.ts';
import type { SearchResult } from './types.ts';

/** A page that the model has seen or can go on seeing. */
export interface StoredPage extends Page {
  readonly kind: 'page' | 'search' | 'find';
  readonly targets: readonly LinkTarget[];
  /** What each line is from, where that is not the page itself: lines of search results are from the pages found. */
  readonly sources?: readonly (PageSource | undefined)[];
}

/** Where a link of a page leads. */
export interface LinkTarget {
  readonly url: string;
  /** The page itself and a line of it, when the link leads to what is stored already. */
  readonly within?: { readonly page: StoredPage; readonly line: number };
}

/** A page as the model sees it: its address stands on top, as in the tool that the models were trained with. */
export function storedPage(page: Page): StoredPage {
  const lines = ['', ...wrap(`URL: ${plainText(page.url)}`), '', ...page.lines];
  return { ...page, lines, kind: 'page', targets: page.links.map((url) => ({ url })) };
}

/** What was found, as a page whose links lead there. */
export function searchPage(query: string, results: readonly SearchResult[]): StoredPage {
  const lines = ['', 'URL: ', '# Search Results', ''];
  const sources: (PageSource | undefined)[] = lines.map(() => undefined);
  for (const [index, { url, title, snippet }] of results.entries()) {
    const host = URL.canParse(url) ? new URL(url).host : '';
    const label = oneLine(title || url)
      .replaceAll('†', '‡')
      .slice(0, 300);
    const link = `【${index}†${label}${host === '' ? '' : `†${host}`}】`;
    for (const line of wrap(`  * ${link} ${oneLine(snippet).slice(0, maxSnippet)}`.trimEnd())) {
      lines.push(line);
      sources.push({ url, title: label });
    }
  }
  if (results.length === 0) lines.push('No results. Try other or fewer words.');
  const targets = results.map(({ url }) => ({ url }));
  return {
    url: '',
    title: oneLine(query).slice(0, 300),
    lines,
    links: targets.map(({ url }) => url),
    kind: 'search',
    targets,
    sources,
  };
}

/** The places of a page where a text occurs, as a page whose links lead there; and how many there are. */
export function findPage(page: StoredPage, pattern: string): { page: StoredPage; matches: number } {
  const needle = pattern.toLowerCase();
  const lines: string[] = [];
  const targets: LinkTarget[] = [];
  for (let at = 0; at < page.lines.length && targets.length < maxMatches; at++) {
    if (!withoutLinks(page.lines[at]!).toLowerCase().includes(needle)) continue;
    if (lines.length > 0) lines.push('');
    lines.push(`# 【${targets.length}†match at L${at}】`);
    for (const line of page.lines.slice(at, at + linesAround)) lines.push(withoutLinks(line));
    targets.push({ url: page.url, within: { page, line: at } });
    at += linesAround - 1;
  }
  const shown = oneLine(pattern).slice(0, 200);
  if (targets.length === 0) lines.push(`No \`find\` results for pattern: \`${shown}\``);
  const found: StoredPage = {
    url: `${page.url}/find?pattern=${encodeURIComponent(pattern.slice(0, 200).toWellFormed?.() ?? shown)}`,
    title: `Find results for text: \`${shown}\` in \`${page.title}\``,
    lines,
    links: targets.map(({ url }) => url),
    kind: 'find',
    targets,
    sources: lines.map(() => ({ url: page.url, title: page.title })),
  };
  return { page: found, matches: targets.length };
}

const maxSnippet = 600;
const maxMatches = 50;
const linesAround = 4;

/** A line in which links are just their text. A link may begin on an earlier line, or end on a later one. */
export function withoutLinks(line: string): string {
  return line
    .replaceAll(/【\d+†([^【】†]*)(?:†[^【】†]*)?(?:】|$)/g, '$1')
    .replace(/^[^【】]*†[^【】†]*】/, '')
    .replaceAll('】', '');
}

function oneLine(text: string): string {
  return plainText(text).replaceAll(/\s+/g, ' ').trim();
}

/** What a page's lines are from, for a citation. */
export function sourceOf(page: StoredPage, { first }: LineRange): PageSource {
  return page.sources?.[first] ?? { url: page.url, title: page.title };
}

/** How much of the memory for a conversation's pages it takes. */
export function charactersOf(page: StoredPage): number {
  let characters = page.url.length + page.title.length;
  for (const line of page.lines) characters += line.length + 1;
  for (const link of page.links) characters += link.length;
  return characters;
}
