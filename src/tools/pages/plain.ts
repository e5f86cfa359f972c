import { Links } from './links.ts';
import { goesOn, maxLines, type Page } from './page.ts';
import { plainText, wrap } from './wrap.ts';

/** A page of text as it is, wrapped. */
export function readPlain(text: string, url: string, title: string): Page {
  const lines: string[] = [];
  for (const line of linesOf(plainText(text))) {
    if (lines.length > maxLines) break;
    for (const piece of wrap(line.trimEnd().replaceAll('\t', '    '))) lines.push(piece);
  }
  return { url, title, lines: bounded(lines), links: [] };
}

/** No more than a page can have, and one by which it is seen that there are more. */
function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\r|\n/, maxLines + 1);
}

/** The text of the first heading of the first level in Markdown. */
export function firstHeading(markdown: string): string | undefined {
  for (const line of linesOf(markdown)) {
    if (!/^#\s/.test(line)) continue;
    let end = line.length;
    while (line[end - 1] === '#') end--;
    const title = line.slice(1, end).trim().slice(0, maxTitle);
    if (title !== '') return title;
  }
  return undefined;
}

const maxTitle = 200;

/** Markdown as it is, with its links numbered. */
export function readMarkdown(text: string, url: string, name: string): Page {
  const links = new Links(url);
  const title = firstHeading(text) ?? name;
  const lines: string[] = [];
  let fence = '';
  for (const line of linesOf(plainText(text))) {
    if (lines.length > maxLines) break;
    const mark = /^\s{0,3}(```|~~~)/.exec(line)?.[1] ?? '';
    const inCode = fence !== '' || mark !== '';
    if (mark !== '' && (fence === '' || fence === mark)) fence = fence === '' ? mark : '';
    if (inCode) lines.push(...wrap(line.trimEnd(), 160));
    else lines.push(...wrap(withLinks(line.trimEnd(), links)));
  }
  return { url, title, lines: bounded(lines), links: links.addresses };
}

/** As many lines as a page may have, and none that are empty at its end. */
function bounded(lines: string[]): readonly string[] {
  if (lines.length > maxLines) return [...lines.slice(0, maxLines), goesOn];
  while (lines.at(-1) === '') lines.pop();
  return lines;
}

function withLinks(line: string, links: Links): string {
  if (line.length > 20_000) return line; // nobody wrote that by hand
  return line
    .replaceAll(/!\[([^\][]{0,300})\]\([^()\s]{1,2000}\)/g, (_, alt: string) => (alt ? `[Image: ${alt}]` : ''))
    .replaceAll(
      /\[([^\][]{1,300})\]\(<?([^()\s<>]{1,2000})>?(?:\s+"[^"]{0,300}")?\)/g,
      (_, text: string, href: string) => links.show(text, href),
    )
    .replaceAll(/<(https?:\/\/[^\s<>]{1,2000})>/g, (_, href: string) => links.show(href, href));
}

/** JSON, laid out in lines where it can be. */
export function readJson(text: string, url: string, title: string): Page {
  try {
    const value: unknown = JSON.parse(text);
    if (!isDeep(value)) return readPlain(JSON.stringify(value, null, 2), url, title);
    return readPlain(text, url, title);
  } catch {
    return readPlain(text, url, title);
  }
}

/** Laid out, each level makes all that is within longer. */
const maxDepth = 32;

function isDeep(value: unknown, left = maxDepth): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return left === 0 || Object.values(value).some((inner) => isDeep(inner, left - 1));
}
