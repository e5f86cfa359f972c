import { OssiaError } from '../base/index.ts';
import { formatPatterns, type Raw } from './keywords.ts';
import type { Leaf } from './leaf.ts';
import { Dfa } from './nfa.ts';
import { anyInteger, anyNumber, boundedNumber } from './numbers.ts';
import { bad, type Document, show } from './references.ts';
import { patternStrings } from './regex.ts';
import { anyString, StringLeaf } from './strings.ts';

/** Says that a keyword is not enforced: throws when strict. */
export type Relax = (raw: Raw, keyword: string, why: string) => void;

/** Longer ones cannot be enforced without an endless answer. */
const MAX_LEAST = 100_000;

/** The most states of one schema's patterns, and how many patterns may be left out: it bounds time (and 30 MB of tables). */
const MAX_STATES = 60_000;
const MAX_GIVEN_UP = 10;

/** The patterns of one schema, each compiled once. */
export class PatternCache {
  readonly #leaves = new Map<string, Leaf>();
  #numStates = 0;
  #numGivenUp = 0;

  /** Throws `grammar/bad-schema` or `grammar/unsupported-schema`. */
  strings(pattern: string): Leaf {
    const leaf = this.#leaves.get(pattern);
    if (leaf !== undefined) return leaf;
    const strings = patternStrings(pattern);
    this.#count(strings.numStates);
    this.#leaves.set(pattern, strings);
    return strings;
  }

  /** Counts a pattern that is left out. */
  giveUp(): void {
    this.#numGivenUp++;
    this.#count(0);
  }

  /** Strings that match two patterns, or a pattern and a length. */
  both(a: Leaf, b: Leaf): Leaf {
    const strings = Dfa.both(a, b);
    this.#count(strings.numStates);
    return strings;
  }

  #count(numStates: number): void {
    this.#numStates += numStates;
    if (this.#numStates <= MAX_STATES && this.#numGivenUp <= MAX_GIVEN_UP) return;
    throw new OssiaError('grammar/unsupported-schema', 'Cannot compile the schema: its patterns take too much work', {
      details: { keyword: 'pattern' },
    });
  }
}

/** The strings that all of these allow; undefined when there are none. */
export function stringLeaf(
  document: Document,
  raws: readonly Raw[],
  relax: Relax,
  patterns: PatternCache,
): Leaf | undefined {
  const [min, max] = bounds(document, raws, 'minLength', 'maxLength');
  if (min > max) return undefined;
  let leaf: Leaf = min === 0 && max === Number.POSITIVE_INFINITY ? anyString : new StringLeaf(min, max);
  for (const raw of raws) {
    for (const keyword of ['pattern', 'format'] as const) {
      const pattern = patternOf(document, raw, keyword, relax);
      if (pattern === undefined) continue;
      try {
        const strings = patterns.strings(pattern);
        leaf = leaf === anyString ? strings : patterns.both(strings, leaf);
      } catch (error) {
        if (!(error instanceof OssiaError) || error.code !== 'grammar/unsupported-schema') throw error;
        patterns.giveUp();
        relax(raw, keyword, error.message);
      }
    }
  }
  return leaf.distance(leaf.start) === Number.POSITIVE_INFINITY ? undefined : leaf;
}

function patternOf(document: Document, raw: Raw, keyword: 'pattern' | 'format', relax: Relax): string | undefined {
  const value = raw[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== 'string') throw bad(document.path(raw), `${keyword} is a string, not ${show(value)}`);
  if (keyword === 'pattern') return value;
  const pattern = Object.hasOwn(formatPatterns, value) ? formatPatterns[value] : undefined;
  if (pattern === undefined) relax(raw, 'format', `${show(value)} is no regular format`);
  return pattern;
}

/** The numbers that all of these allow; undefined when there are none. */
export function numberLeaf(
  document: Document,
  raws: readonly Raw[],
  isInteger: boolean,
  relax: Relax,
): Leaf | undefined {
  let [min, minExclusive, max, maxExclusive] = [Number.NEGATIVE_INFINITY, false, Number.POSITIVE_INFINITY, false];
  const takeMin = (bound: number, exclusive: boolean): void => {
    if (bound > min || (bound === min && exclusive)) [min, minExclusive] = [bound, exclusive];
  };
  const takeMax = (bound: number, exclusive: boolean): void => {
    if (bound < max || (bound === max && exclusive)) [max, maxExclusive] = [bound, exclusive];
  };
  let last: Raw | undefined;
  for (const raw of raws) {
    const read = (keyword: string): number | undefined => {
      const value = raw[keyword];
      if (value === undefined || typeof value === 'boolean') return undefined;
      if (typeof value !== 'number' || !Number.isFinite(value)) {
        throw bad(document.path(raw), `${keyword} is a number, not ${show(value)}`);
      }
      last = raw;
      return value;
    };
    takeMin(read('minimum') ?? Number.NEGATIVE_INFINITY, raw.exclusiveMinimum === true); // true: draft 4
    takeMax(read('maximum') ?? Number.POSITIVE_INFINITY, raw.exclusiveMaximum === true);
    takeMin(read('exclusiveMinimum') ?? Number.NEGATIVE_INFINITY, true);
    takeMax(read('exclusiveMaximum') ?? Number.POSITIVE_INFINITY, true);
  }
  if (last === undefined) return isInteger ? anyInteger : anyNumber;
  if (min > max || (min === max && (minExclusive || maxExclusive))) return undefined;
  const leaf = boundedNumber({ min, minExclusive, max, maxExclusive }, isInteger);
  if (leaf === undefined) {
    relax(last, 'minimum', 'its bounds have too many digits');
    return isInteger ? anyInteger : anyNumber;
  }
  return leaf.distance(leaf.start) === Number.POSITIVE_INFINITY ? undefined : leaf;
}

/** The narrowest of two counts. Throws `grammar/bad-schema`, or `grammar/unsupported-schema` where the least is too much. */
export function bounds(document: Document, raws: readonly Raw[], least: string, most: string): [number, number] {
  let [min, max] = [0, Number.POSITIVE_INFINITY];
  for (const raw of raws) {
    for (const keyword of [least, most]) {
      const value = raw[keyword];
      if (value === undefined) continue;
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
        throw bad(document.path(raw), `${keyword} is a count, not ${show(value)}`);
      }
      if (keyword === least) min = Math.max(min, value);
      else max = Math.min(max, value);
    }
    if (min > MAX_LEAST) {
      const message = `Cannot enforce ${least} ${min} at ${document.path(raw)}: at most ${MAX_LEAST}`;
      throw new OssiaError('grammar/unsupported-schema', message);
    }
  }
  return [min, max > 2 ** 40 ? Number.POSITIVE_INFINITY : max];
}
