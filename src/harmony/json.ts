import { OssiaError } from '../base/index.ts';

/** A number as it was written: `1.0`, `1e16` and `-0` keep their text, which JavaScript numbers cannot. */
export class JsonNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  valueOf(): number {
    return Number(this.text);
  }

  toJSON(): number {
    return Number(this.text);
  }
}

export type JsonObject = Map<string, JsonValue>;
export type JsonValue = null | boolean | string | JsonNumber | JsonValue[] | JsonObject;

/** Deeper nesting than any schema or conversation has; keeps a hostile text from exhausting the stack. */
const MAX_DEPTH = 256;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/**
 * Reads JSON without losing anything: objects become Maps in the order of their keys (`{"2":…,"1":…}` too), numbers keep
 * their text. A key that comes twice keeps its first place and its last value.
 * Throws `harmony/bad-json` with the offset of the first character that does not fit.
 */
export function parseJson(text: string): JsonValue {
  return new Reader(text).document();
}

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): JsonValue {
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail('the end of the text');
    return value;
  }

  #value(): JsonValue {
    this.#skipSpace();
    const char = this.#text[this.#at];
    if (char === '{') return this.#nested(() => this.#object());
    if (char === '[') return this.#nested(() => this.#array());
    if (char === '"') return this.#string();
    const scalar = this.#match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y);
    if (scalar === undefined) return this.#fail('a value');
    if (scalar === 'null') return null;
    if (scalar === 'true' || scalar === 'false') return scalar === 'true';
    return new JsonNumber(scalar);
  }

  #nested<T>(read: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.#fail(`at most ${MAX_DEPTH} levels of nesting`);
    this.#at++;
    const value = read();
    this.#depth--;
    return value;
  }

  #object(): JsonObject {
    const object: JsonObject = new Map();
    if (this.#take('}')) return object;
    do {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#fail('a key in quotes');
      const key = this.#string();
      if (!this.#take(':')) this.#fail('a colon');
      object.set(key, this.#value());
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail('a comma or the end of the object');
    return object;
  }

  #array(): JsonValue[] {
    const array: JsonValue[] = [];
    if (this.#take(']')) return array;
    do array.push(this.#value());
    while (this.#take(','));
    if (!this.#take(']')) this.#fail('a comma or the end of the list');
    return array;
  }

  #string(): string {
    const start = this.#at;
    let end = start + 1;
    for (let unit = 0; unit !== QUOTE; end += unit === BACKSLASH ? 2 : 1) {
      if (end >= this.#text.length) return this.#fail('a string that ends');
      unit = this.#text.charCodeAt(end);
    }
    try {
      const value = JSON.parse(this.#text.slice(start, end)) as string;
      this.#at = end;
      return value;
    } catch {
      return this.#fail('a string without raw control characters or unknown escapes');
    }
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #take(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    this.#match(/[ \t\n\r]*/y);
  }

  #fail(expected: string): never {
    const found = this.#at < this.#text.length ? JSON.stringify(this.#text.slice(this.#at, this.#at + 20)) : 'the end';
    throw new OssiaError(
      'harmony/bad-json',
      `Cannot read JSON: expected ${expected} at offset ${this.#at}, found ${found}`,
    );
  }
}

/** Whether this is an object: a Map from `parseJson`, or a plain one from `JSON.parse`. */
export function isJsonObject(value: unknown): value is JsonObject | Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** The member of an object of either kind, or undefined. */
export function member(value: unknown, key: string): unknown {
  if (value instanceof Map) return value.get(key);
  return isJsonObject(value) && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** The members of an object of either kind in their order; none for anything else. */
export function members(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...(value as JsonObject)];
  return isJsonObject(value) ? Object.entries(value) : [];
}

/** A copy in plain objects and numbers, for code that needs no exact text. */
export function toPlainJson(value: unknown): unknown {
  if (value instanceof JsonNumber) return value.valueOf();
  if (Array.isArray(value)) return value.map(toPlainJson);
  if (isJsonObject(value)) return Object.fromEntries(members(value).map(([key, inner]) => [key, toPlainJson(inner)]));
  return value;
}

/** Compact JSON with the number text of the official library (serde_json), from values of either kind. */
export function stringifyJson(value: unknown): string {
  if (value instanceof JsonNumber) return numberText(value.text);
  if (typeof value === 'number') return plainNumberText(value);
  if (typeof value === 'bigint') return numberText(String(value));
  if (Array.isArray(value)) return `[${value.map(stringifyJson).join(',')}]`;
  if (isJsonObject(value)) {
    const fields = members(value).filter(([, inner]) => inner !== undefined);
    return `{${fields.map(([key, inner]) => `${JSON.stringify(key)}:${stringifyJson(inner)}`).join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** An integer of 64 bits prints as it is; a point, an exponent, a minus zero or more bits make it a float. */
function numberText(text: string): string {
  if (!/[.eE]/.test(text) && text !== '-0') {
    const integer = BigInt(text);
    if (integer >= -(2n ** 63n) && integer < 2n ** 64n) return String(integer);
  }
  return floatText(Number(text));
}

/** A JavaScript number no longer says how it was written: whole ones count as integers. */
function plainNumberText(value: number): string {
  if (!Number.isInteger(value) || Object.is(value, -0)) return floatText(value);
  return numberText(String(BigInt(value)));
}

/**
 * The shortest text that reads back as the same double, laid out as Rust's ryu does: an exponent below 1e-5 and from
 * 1e16 on, without a plus sign, and `.0` behind a whole number (JavaScript changes at 1e-6 and 1e21).
 */
function floatText(value: number): string {
  if (!Number.isFinite(value)) return 'null';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  if (value === 0) return `${sign}0.0`;
  const [mantissa = '', exponent = '0'] = Math.abs(value).toExponential().split('e');
  const digits = mantissa.replace('.', '');
  const point = Number(exponent) + 1; // digits before the decimal point
  if (point > 16 || point < -4) {
    return `${sign}${digits[0]}${digits.length > 1 ? `.${digits.slice(1)}` : ''}e${point - 1}`;
  }
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits.padEnd(point, '0')}.0`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
