import type { OutputToken } from '../net/types.ts';
import { rankOf } from './trace.ts';

/** What the tokens' marks show. */
export type Measure = 'probability' | 'entropy' | 'rank' | 'none';

/** 0: expected. 5: a surprise. Each level has its mark; limits are in the legend. */
export type Level = 0 | 1 | 2 | 3 | 4 | 5;

const limits = {
  /** Less than. */
  probability: [0.9, 0.7, 0.4, 0.15, 0.03],
  /** Bits and more. */
  entropy: [0.5, 1, 2, 3.5, 5],
  /** From. */
  rank: [2, 3, 4, 6, 21],
} as const;

export const legends: Readonly<Record<Exclude<Measure, 'none'>, readonly string[]>> = {
  probability: ['90 % and more', '70 – 90 %', '40 – 70 %', '15 – 40 %', '3 – 15 %', 'below 3 %'],
  entropy: ['below ½ bit', '½ – 1', '1 – 2', '2 – 3½', '3½ – 5', '5 bits and more'],
  rank: ['the most probable', '2nd', '3rd', '4th – 5th', '6th and on', 'not among those told'],
};

/** Forced tokens were no choice: they surprise nobody. Undefined: was not told. */
export function levelOf(token: OutputToken, measure: Measure): Level | undefined {
  if (measure === 'none') return undefined;
  if (token.forced) return 0;
  if (measure === 'probability') return stepsBelow(token.probability);
  if (measure === 'rank') return stepsFrom(rankOf(token) ?? 21, limits.rank);
  return token.entropy === undefined ? undefined : stepsFrom(token.entropy, limits.entropy);
}

function stepsBelow(value: number): Level {
  return limits.probability.filter((limit) => value < limit).length as Level;
}

function stepsFrom(value: number, steps: readonly number[]): Level {
  return steps.filter((limit) => value >= limit).length as Level;
}

/** One column of the map of a turn: how surprising its tokens are, and what most of them are. */
export interface Column {
  readonly from: number;
  readonly to: number;
  /** Of 0 to 1: the most surprising of its tokens, and all of them on average. */
  readonly peak: number;
  readonly mean: number;
  readonly channel: OutputToken['channel'];
}

/** Entropy of 8 bits and a probability of 2⁻⁸ fill the column. */
const fullBits = 8;

/** The turn in at most `columns` columns of about equally many tokens. */
export function columnsOf(tokens: readonly OutputToken[], columns: number, measure: Measure): readonly Column[] {
  const number = Math.min(columns, tokens.length);
  return Array.from({ length: number }, (_, column) => {
    const from = Math.floor((column * tokens.length) / number);
    const to = Math.floor(((column + 1) * tokens.length) / number);
    let [peak, sum] = [0, 0];
    for (let at = from; at < to; at++) {
      const height = Math.min(1, bitsOf(tokens[at]!, measure) / fullBits);
      peak = Math.max(peak, height);
      sum += height;
    }
    return { from, to, peak, mean: sum / (to - from), channel: tokens[(from + to) >> 1]!.channel };
  });
}

function bitsOf(token: OutputToken, measure: Measure): number {
  if (token.forced) return 0;
  if (measure === 'entropy') return token.entropy ?? 0;
  if (measure === 'rank') return Math.log2(rankOf(token) ?? 256);
  return token.probability > 0 ? -Math.log2(token.probability) : fullBits;
}
