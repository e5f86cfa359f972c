import { OssiaError } from '../base/index.ts';

/** Checked reading of a configuration: every value is hostile until it has passed, and every complaint names its key. */
export class Keys {
  /** What the values come from, as people know it. */
  readonly file: string;
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #prefix: string;
  readonly #shown: string;

  /** `prefix` is put before a key to look it up; `shown` is what people see before it. */
  constructor(file: string, values: Readonly<Record<string, unknown>>, prefix = '', shown = prefix) {
    this.file = file;
    this.#values = values;
    this.#prefix = prefix;
    this.#shown = shown;
  }

  /** The same values by shorter names. */
  prefixed(prefix: string): Keys {
    return new Keys(this.file, this.#values, prefix);
  }

  /** The object behind a key. */
  child(key: string): Keys {
    const value = this.get(key);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) this.fail(key, 'an object');
    return new Keys(this.file, value as Record<string, unknown>, '', `${this.#shown}${key}.`);
  }

  /** Null counts as absent: JSON files write unset options so. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  get(key: string): unknown {
    const name = this.#prefix + key;
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined;
  }

  integer(key: string, min: number, max: number): number {
    const value = this.get(key);
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return this.fail(key, `an integer from ${min} to ${max}`);
  }

  multiple(key: string, of: number, max: number): number {
    const value = this.integer(key, of, max);
    return value % of === 0 ? value : this.fail(key, `a multiple of ${of}`);
  }

  /** A number within bounds, or `absent` where the key is. */
  number(
    key: string,
    bounds: { readonly above?: number; readonly from?: number; readonly to: number },
    absent?: number,
  ): number {
    const { above = Number.NEGATIVE_INFINITY, from = Number.NEGATIVE_INFINITY, to } = bounds;
    const value = this.get(key);
    if (value === undefined && absent !== undefined) return absent;
    if (typeof value === 'number' && value > above && value >= from && value <= to) return value;
    return this.fail(
      key,
      bounds.from === undefined ? `a number above ${above}, up to ${to}` : `a number from ${from} to ${to}`,
    );
  }

  string(key: string, allowed: readonly string[]): string {
    const value = this.get(key);
    return typeof value === 'string' && allowed.includes(value)
      ? value
      : this.fail(key, allowed.map(quote).join(' or '));
  }

  /** Refuses a value other than the one this model needs; absent is fine. */
  expect(key: string, expected: string | number | boolean): void {
    if (this.has(key) && this.get(key) !== expected) this.fail(key, quote(expected));
  }

  fail(key: string, expected: string): never {
    const found = this.get(key);
    const name = this.#shown + key;
    throw new OssiaError(
      'checkpoint/bad-config',
      `Cannot use the configuration of ${this.file}: expected "${name}" to be ${expected}, ${found === undefined ? 'but it is missing' : `got ${quote(found)}`}`,
      { details: { file: this.file, key: name, found, expected } },
    );
  }
}

/** A value as people see it, cut short: the file may hold anything. */
function quote(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
