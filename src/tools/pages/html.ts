import { isProbablyReaderable, Readability } from '@mozilla/readability';
import { parseHTML } from 'linkedom';
import { type HtmlNode, visibleLength, writeHtml } from './html-text.ts';
import { Links } from './links.ts';
import { goesOn, maxLines, type Page } from './page.ts';
import { TextWriter } from './text-writer.ts';
import { plainText } from './wrap.ts';

interface HtmlDocument {
  readonly documentElement: HtmlNode | null;
  readonly body: HtmlNode | null;
  querySelector(selector: string): HtmlNode | null;
}

/** Makes a page of HTML. Nothing of it is executed or loaded. Slow on hostile input: to be called where it can be stopped. */
export function readHtml(source: string, url: string): Page {
  const html = bounded(source);
  const document = parse(html);
  const title = plainText(document.querySelector('title')?.textContent ?? '')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const links = new Links(url, document.querySelector('base[href]')?.getAttribute('href') ?? undefined);
  const whole = document.body ?? document.documentElement;
  const writer = new TextWriter();
  if (whole) writeHtml(article(html, whole) ?? whole, writer, links);
  writer.endLine();
  const isCut = html.length < source.length || writer.lines.length >= maxLines;
  const lines = [...trimmed(writer.lines), ...(isCut ? [goesOn] : [])];
  return { url, title: title.slice(0, 300), lines, links: links.addresses };
}

/** Tags, attributes and entities that are read of a page. A tree of them takes some 100 MB, and many times as much would end the process. */
const maxMarks = 250_000;

const lessThan = 0x3c;
const equals = 0x3d;
const ampersand = 0x26;

function bounded(html: string): string {
  let marks = 0;
  for (let at = 0; at < html.length; at++) {
    const code = html.charCodeAt(at);
    if ((code === lessThan || code === equals || code === ampersand) && ++marks > maxMarks) return html.slice(0, at);
  }
  return html;
}

function parse(html: string): HtmlDocument {
  // A fragment has no body of its own, and linkedom makes none.
  const source = /<(?:html|body)[\s>]/i.test(html.slice(0, 100_000)) ? html : `<html><body>${html}</body></html>`;
  return parseHTML(source).document as unknown as HtmlDocument;
}

/** The article of a page, where there clearly is one: without navigation, advertisements and so on. */
function article(html: string, whole: HtmlNode): HtmlNode | undefined {
  const document = parseHTML(html).document as unknown as ConstructorParameters<typeof Readability>[0];
  if (!isProbablyReaderable(document)) return undefined;
  const found = new Readability<unknown>(document, { serializer: (node) => node, maxElemsToParse: 50_000 }).parse();
  const length = found?.textContent?.length ?? 0;
  // Where it leaves most of the text out, it took a page of many parts for an article.
  return length > 500 && length > visibleLength(whole) * 0.4 ? (found!.content as HtmlNode) : undefined;
}

function trimmed(lines: readonly string[]): readonly string[] {
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
