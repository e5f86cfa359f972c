import { OssiaError, type ProblemCode } from '../base/index.ts';
import { MAX_JSON_DEPTH, MAX_JSON_VALUES } from './limits.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object from outside: UTF-8 without repair, no key twice in one object (JSON.parse would keep the last,
 * other programs the first). Deep nesting and millions of values are `checkpoint/too-large`, all else is `code`.
 * `what` names the text for messages: `the header of model.safetensors`.
 */
export function parseJsonObject(bytes: Uint8Array, what: string, code: ProblemCode): JsonObject {
  const fail = (found: string, cause?: unknown): OssiaError =>
    new OssiaError(code, `Cannot read ${what}: ${found}`, { cause });
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw fail('it is not valid UTF-8', cause);
  }
  const excess = findExcess(text);
  if (excess) throw new OssiaError('checkpoint/too-large', `Cannot read ${what}: ${excess}`);
  const twice = findRepetition(text);
  if (twice !== undefined) throw fail(`the key ${describe(twice)} occurs twice`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw fail(`it is not valid JSON (${(cause as Error).message})`, cause);
  }
  if (!isObject(value)) throw fail(`expected a JSON object, found ${describe(value)}`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value from outside, short enough for a message. */
export function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}` : inner)) ?? typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

// These two look at brackets and strings only, so they also stand text that is no JSON; JSON.parse then refuses it.

function findExcess(text: string): string | undefined {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '"':
        i = endOfString(text, i);
        break;
      case '{':
      case '[':
        values++;
        if (++depth > MAX_JSON_DEPTH) return `it nests deeper than ${MAX_JSON_DEPTH}`;
        break;
      case '}':
      case ']':
        depth--;
        break;
      case ',':
      case ':':
        if (++values > MAX_JSON_VALUES) return `it holds more than ${MAX_JSON_VALUES} values`;
    }
  }
  return undefined;
}

function findRepetition(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // the keys seen in each open object; undefined for an array
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{') open.push(new Set());
    else if (char === '[') open.push(undefined);
    else if (char === '}' || char === ']') open.pop();
    else if (char === '"') {
      const start = i;
      i = endOfString(text, i);
      const keys = open.at(-1);
      if (!keys || !isKey(text, i + 1)) continue;
      const key = unquote(text.slice(start, i + 1));
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** The index of the quote that closes the one at `start`. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
  return i;
}

function isKey(text: string, after: number): boolean {
  let i = after;
  while (text[i] === ' ' || text[i] === '\n' || text[i] === '\r' || text[i] === '\t') i++;
  return text[i] === ':';
}

function unquote(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    return literal; // JSON.parse will refuse the whole text
  }
}
