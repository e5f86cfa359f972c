import { Random } from '../fuzz/random.ts';

const WORDS = 'river stone lamp garden window paper cloud bridge music winter table silver morning letter forest'.split(
  ' ',
);

/** Words in an order that no other seed has from its first word on, so that no prompt begins like another. */
export function wordsOf(seed: number, count: number): string {
  const random = new Random(seed);
  const first = `Story ${seed}:`;
  return [first, ...Array.from({ length: Math.max(1, count - 2) }, () => random.pick(WORDS))].join(' ');
}
