import { OssiaError } from '../../base/index.ts';
import type { SearchResult } from './types.ts';

export interface ApiCall {
  readonly provider: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON, by POST. */
  readonly body?: unknown;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Bytes of an answer at most. */
const maxAnswer = 4 * 2 ** 20;

/** Asks a search service. Rejects with `tools/search-failed`, which never shows the key, or with the signal's reason. */
export async function askApi({ provider, url, headers, body, timeoutMs, signal }: ApiCall): Promise<unknown> {
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error', // a key is for the one who was named
      signal: AbortSignal.any([signal, deadline]),
    });
    const text = await readLimited(response);
    if (!response.ok) throw failed(provider, statusMeaning(response));
    return JSON.parse(text);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof OssiaError) throw error;
    if (deadline.aborted) throw failed(provider, `no answer within ${timeoutMs / 1000} seconds`, error);
    if (error instanceof SyntaxError) throw failed(provider, 'its answer is not JSON', error);
    throw failed(provider, unreachable(error), error);
  }
}

async function readLimited(response: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of response.body ?? []) {
    size += part.length;
    if (size > maxAnswer) throw new RangeError('its answer is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}

function statusMeaning({ status, headers }: Response): string {
  const wait = headers.get('retry-after');
  if (status === 401 || status === 403) return `it refuses access (HTTP ${status})`;
  if (status === 429)
    return `too many searches (HTTP 429)${wait ? `, try again in ${wait.slice(0, 40)} s` : ', try again later'}`;
  if (status === 402) return 'its quota is used up (HTTP 402)';
  return `it answered with HTTP ${status}`;
}

function unreachable(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ? `it cannot be reached (${code})` : String(message ?? cause);
}

export function failed(provider: string, found: string, cause?: unknown): OssiaError {
  return new OssiaError(
    'tools/search-failed',
    `Search with ${provider} failed: ${found}`,
    cause === undefined ? {} : { cause },
  );
}

/** The list at the end of a path; none where the last of it is missing. `tools/search-failed` when it is something else. */
export function listAt(provider: string, answer: unknown, ...path: readonly string[]): readonly unknown[] {
  let value = answer;
  for (const name of path) {
    if (value === undefined || value === null) return [];
    if (typeof value !== 'object') throw failed(provider, 'its answer has an unexpected form');
    value = (value as Record<string, unknown>)[name];
  }
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw failed(provider, 'its answer has an unexpected form');
  return value;
}

/** Results of raw entries; those without an address that can be opened are left out. */
export function resultsOf(entries: readonly unknown[], snippetFields: readonly string[]): SearchResult[] {
  return entries.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const fields = entry as Record<string, unknown>;
    const { url, title } = fields;
    if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:/i.test(url)) return [];
    const snippet = snippetFields.map((name) => textOf(fields[name])).find((text) => text !== '') ?? '';
    return [{ url, title: textOf(title) || url, snippet }];
  });
}

/** A text, or several, without the tags that mark what was searched for. */
function textOf(value: unknown): string {
  const text = Array.isArray(value) ? value.filter((part) => typeof part === 'string').join(' … ') : value;
  if (typeof text !== 'string') return '';
  return text
    .slice(0, 5000)
    .replaceAll(/<\/?(?:strong|b|em|mark|span)(?:\s[^<>]{0,100})?>/gi, '')
    .replaceAll(/&(amp|lt|gt|quot|#x27|#39|#x2F|nbsp);/gi, (_, name: string) => entities[name.toLowerCase()]!)
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const entities: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  '#x27': "'",
  '#39': "'",
  '#x2f': '/',
  nbsp: ' ',
};
