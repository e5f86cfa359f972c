import { OssiaError, type ProblemCode } from '../base/index.ts';
import { MAX_JSON_DEPTH } from './limits.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Parses a JSON object from outside: UTF-8 without repair, no key twice in one object (JSON.parse would keep the last,
 * other programs the first), no deep nesting. `what` names the text for messages: `the header of model.safetensors`.
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
  const flaw = findFlaw(text);
  if (flaw) throw fail(flaw);
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

/** Looks at brackets and strings only, so it also stands text that is no JSON (which JSON.parse then refuses). */
function findFlaw(text: string): string | undefined {
  const stack: (Set<string> | undefined)[] = []; // the keys seen in each open object; undefined for an array
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === '{' || char === '[') {
      if (stack.push(char === '{' ? new Set() : undefined) > MAX_JSON_DEPTH)
        return `it nests deeper than ${MAX_JSON_DEPTH}`;
    } else if (char === '}' || char === ']') {
      stack.pop();
    } else if (char === '"') {
      const start = i;
      for (i++; i < text.length && text[i] !== '"'; i++) if (text[i] === '\\') i++;
      const keys = stack.at(-1);
      if (!keys || !isKey(text, i + 1)) continue;
      const key = unquote(text.slice(start, i + 1));
      if (keys.has(key)) return `the key ${describe(key)} occurs twice`;
      keys.add(key);
    }
  }
  return undefined;
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
