import { decodeText } from './charset.ts';
import { readHtml } from './html.ts';
import { type FetchedPage, type Page, PageError } from './page.ts';
import { readJson, readMarkdown, readPlain } from './plain.ts';

/**
 * Makes a page of what stands at an address. Throws a PageError that says what it is, when it is nothing to read. Slow on hostile
 * input: to be called where it can be stopped.
 */
export function readPage(fetched: FetchedPage): Page {
  const { url, contentType, body } = fetched;
  const type = typeOf(fetched);
  const name = nameOf(url);
  const text = decodeText(body, contentType);
  if (type === 'html') {
    const page = readHtml(text, url);
    return page.title === '' ? { ...page, title: name } : page;
  }
  if (type === 'markdown') return readMarkdown(text, url, name);
  if (type === 'json') return readJson(text, url, name);
  return readPlain(text, url, name);
}

/** The page's bytes as text, whatever they mean. */
export function readSource(fetched: FetchedPage): Page {
  typeOf(fetched);
  return readPlain(decodeText(fetched.body, fetched.contentType), fetched.url, `Source of ${nameOf(fetched.url)}`);
}

type TextType = 'html' | 'markdown' | 'json' | 'plain';

function typeOf({ url, contentType, body }: FetchedPage): TextType {
  const media = contentType.split(';', 1)[0]!.trim().toLowerCase();
  const binary = signatures.find(({ bytes }) => bytes.every((byte, index) => body[index] === byte));
  if (binary) throw unreadable(binary.name, body);
  if (media === 'text/html' || media === 'application/xhtml+xml') return 'html';
  if (media === 'text/markdown' || media === 'text/x-markdown') return 'markdown';
  if (media === 'application/json' || media.endsWith('+json')) return 'json';
  const text = media.startsWith('text/') || media.endsWith('+xml') || textTypes.has(media);
  if (!text && media !== '' && media !== 'application/octet-stream') throw unreadable(describe(media), body);
  if (looksBinary(body)) throw unreadable('binary data', body);
  if (media === '' && /^\s*<(?:!doctype html|html|head|body)/i.test(decodeText(body.subarray(0, 512), '')))
    return 'html';
  return media !== 'text/css' && /\.(?:md|markdown)$/i.test(pathOf(url)) ? 'markdown' : 'plain';
}

const textTypes = new Set([
  ...['application/javascript', 'application/ecmascript', 'application/xml', 'application/yaml', 'application/x-yaml'],
  ...['application/toml', 'application/sql', 'application/x-sh', 'application/x-ndjson', 'application/rtf'],
]);

/** What files begin with that call themselves text, or nothing. */
const signatures = [
  { name: 'a PDF document', bytes: [0x25, 0x50, 0x44, 0x46, 0x2d] },
  { name: 'a PNG picture', bytes: [0x89, 0x50, 0x4e, 0x47] },
  { name: 'a JPEG picture', bytes: [0xff, 0xd8, 0xff] },
  { name: 'a GIF picture', bytes: [0x47, 0x49, 0x46, 0x38] },
  { name: 'a ZIP archive, or an office document', bytes: [0x50, 0x4b, 0x03, 0x04] },
  { name: 'a gzip archive', bytes: [0x1f, 0x8b] },
] as const;

function looksBinary(body: Uint8Array): boolean {
  const utf16 = (body[0] === 0xff && body[1] === 0xfe) || (body[0] === 0xfe && body[1] === 0xff);
  return !utf16 && body.subarray(0, 1024).includes(0);
}

function describe(media: string): string {
  const [kind] = media.split('/', 1);
  if (media === 'application/pdf') return 'a PDF document';
  if (kind === 'image') return `a picture (${media})`;
  if (kind === 'video' || kind === 'audio') return `${kind} (${media})`;
  return `of type ${media.slice(0, 100)}`;
}

function unreadable(what: string, body: Uint8Array): PageError {
  const size = body.length < 1e5 ? `${body.length} bytes` : `${(body.length / 1e6).toFixed(1)} MB`;
  return new PageError(`The page is ${what}, ${size}: this browser reads HTML, Markdown, JSON and text only`);
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url;
}

/** What a page is called that has no title. */
function nameOf(url: string): string {
  const path = pathOf(url);
  const last = path.split('/').findLast((part) => part !== '');
  return last ?? (URL.canParse(url) ? new URL(url).host : url);
}
