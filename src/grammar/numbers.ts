import type { Leaf } from './leaf.ts';
import { Dfa } from './nfa.ts';
import { exactText } from './regex.ts';

/** Digits before and after the point at most: without an end, a model could go on for ever. */
const INTEGER_DIGITS = 21;
const FRACTION_DIGITS = 25;

const WHOLE = `(?:0|[1-9]\\d{0,${INTEGER_DIGITS - 1}})`;
const FRACTION = `(?:\\.\\d{1,${FRACTION_DIGITS}})?`;

export const anyInteger: Leaf = exactText(`-?${WHOLE}`);

/** Exponents end where the largest mantissa is still finite; a mantissa of one digit may go on to 1.7e308. */
export const anyNumber: Leaf = exactText(
  [
    `-?${WHOLE}${FRACTION}(?:[eE](?:[+-]?\\d{1,2}|-[1-3]\\d\\d|\\+?(?:1\\d\\d|2[0-7]\\d)))?`,
    `-?\\d${FRACTION}[eE]\\+?(?:2[89]\\d|30[0-7])`,
    `-?1(?:\\.[0-6]\\d{0,${FRACTION_DIGITS - 1}})?[eE]\\+?308`,
  ].join('|'),
);

export interface NumberBounds {
  readonly min: number;
  readonly minExclusive: boolean;
  readonly max: number;
  readonly maxExclusive: boolean;
}

/**
 * Numbers within bounds, without exponents. Exact also after rounding to a double: rounding keeps the order, and a bound that
 * is excluded becomes the next double. Undefined when the bounds need more digits than the automaton has.
 */
export function boundedNumber(bounds: NumberBounds, isInteger: boolean): Leaf | undefined {
  const lowest = inclusive(bounds.min, bounds.minExclusive, isInteger, 1);
  const highest = inclusive(bounds.max, bounds.maxExclusive, isInteger, -1);
  const tail = isInteger ? '' : FRACTION;
  const any = `${WHOLE}${tail}`;
  const parts: string[] = [];
  if (lowest !== undefined) {
    if (!fits(lowest)) return undefined;
    parts.push(lowest.negative ? `${any}|-${atMost(lowest, tail)}` : atLeast(lowest, tail));
  }
  if (highest !== undefined) {
    if (!fits(highest)) return undefined;
    parts.push(highest.negative ? `-${atLeast(highest, tail)}` : `-${any}|${atMost(highest, tail)}`);
  }
  if (parts.length === 0) return isInteger ? anyInteger : anyNumber;
  const [first, second] = parts.map(exactText);
  return second === undefined ? first : Dfa.both(first!, second);
}

/** A decimal number: digits before the point, and after it without zeros at the end. */
interface Decimal {
  readonly negative: boolean;
  readonly whole: string;
  readonly fraction: string;
}

function fits(bound: Decimal): boolean {
  return bound.whole.length <= INTEGER_DIGITS && bound.fraction.length <= FRACTION_DIGITS;
}

/** The bound that may itself be taken; `up` is 1 for a lower bound, -1 for an upper. */
function inclusive(bound: number, excluded: boolean, isInteger: boolean, up: 1 | -1): Decimal | undefined {
  if (!Number.isFinite(bound)) return undefined;
  if (isInteger) {
    const rounded = up === 1 ? Math.ceil(bound) : Math.floor(bound);
    const value = BigInt(rounded) + (excluded && rounded === bound ? BigInt(up) : 0n);
    // A lower bound of zero also takes -0.
    return { negative: value < 0n || (value === 0n && up === 1), whole: String(value).replace('-', ''), fraction: '' };
  }
  if (!excluded) return decimal(bound, up);
  if (bound !== 0) return decimal(nextDouble(bound, up), up);
  return { negative: up === -1, whole: '0', fraction: `${'0'.repeat(FRACTION_DIGITS - 1)}1` };
}

function decimal(value: number, up: 1 | -1): Decimal {
  const [mantissa = '', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const point = whole.length + Number(exponent);
  const allDigits = whole + fraction;
  const padded = '0'.repeat(Math.max(0, -point)) + allDigits + '0'.repeat(Math.max(0, point - allDigits.length));
  return {
    negative: value < 0 || (value === 0 && up === 1),
    whole: padded.slice(0, Math.max(0, point)).replace(/^0+/, '') || '0',
    fraction: padded.slice(Math.max(0, point)).replace(/0+$/, ''),
  };
}

/** The double after `value`, towards plus or minus infinity. `value` is not zero. */
function nextDouble(value: number, up: 1 | -1): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === (up === 1) ? 1n : -1n));
  return view.getFloat64(0);
}

/** Expressions for magnitudes that are not below the bound's. */
function atLeast({ whole, fraction }: Decimal, tail: string): string {
  const above = integersBetween(BigInt(whole) + 1n, 10n ** BigInt(INTEGER_DIGITS) - 1n);
  const ways = above.map((text) => text + tail);
  if (fraction === '') ways.push(whole + tail);
  else {
    for (const [i, digit] of [...fraction].entries()) {
      if (digit < '9') ways.push(`${whole}\\.${fraction.slice(0, i)}[${Number(digit) + 1}-9]${rest(i + 1)}`);
    }
    ways.push(`${whole}\\.${fraction}${rest(fraction.length)}`);
  }
  return `(?:${ways.join('|')})`;
}

/** Expressions for magnitudes that are not above the bound's. */
function atMost({ whole, fraction }: Decimal, tail: string): string {
  const ways = integersBetween(0n, BigInt(whole) - 1n).map((text) => text + tail);
  ways.push(whole);
  if (tail !== '') {
    for (const [i, digit] of [...fraction].entries()) {
      if (i > 0) ways.push(`${whole}\\.${fraction.slice(0, i)}`);
      if (digit > '0') ways.push(`${whole}\\.${fraction.slice(0, i)}[0-${Number(digit) - 1}]${rest(i + 1)}`);
    }
    const zeros = `0{${fraction === '' ? 1 : 0},${FRACTION_DIGITS - fraction.length}}`;
    ways.push(`${whole}\\.${fraction}${zeros}`);
  }
  return `(?:${ways.join('|')})`;
}

/** Any digits that there is still room for. */
function rest(used: number): string {
  return `\\d{0,${FRACTION_DIGITS - used}}`;
}

/** Expressions for the integers from `low` to `high`, by their number of digits. */
function integersBetween(low: bigint, high: bigint): string[] {
  const result: string[] = [];
  for (let length = String(low).length; low <= high && length <= String(high).length; length++) {
    const first = length === 1 ? 0n : 10n ** BigInt(length - 1);
    const last = 10n ** BigInt(length) - 1n;
    const [from, to] = [low > first ? low : first, high < last ? high : last];
    result.push(...sameLength(String(from), String(to)));
  }
  return result;
}

function sameLength(low: string, high: string): string[] {
  if (low === '') return [''];
  if (/^0+$/.test(low) && /^9+$/.test(high)) return [`\\d{${low.length}}`];
  const [l, h] = [Number(low[0]), Number(high[0])];
  const [lowRest, highRest] = [low.slice(1), high.slice(1)];
  if (l === h) return sameLength(lowRest, highRest).map((text) => l + text);
  const result = sameLength(lowRest, '9'.repeat(lowRest.length)).map((text) => l + text);
  if (h - l > 1) result.push(`[${l + 1}-${h - 1}]\\d{${lowRest.length}}`);
  result.push(...sameLength('0'.repeat(highRest.length), highRest).map((text) => h + text));
  return result;
}
