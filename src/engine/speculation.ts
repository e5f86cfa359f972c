import { OssiaError } from '../base/index.ts';
import type { Generation } from './generation.ts';
import { continuation, NgramIndex } from './ngrams.ts';
import { StepCosts } from './step-costs.ts';

/**
 * `auto`: drafts where they pay, by what steps take and by how many drafts came true, for a sequence that runs alone.
 * A number: so many ids a draft, wherever there is one, while few sequences run. `off`: none.
 */
export type Speculate = 'auto' | 'off' | number;

/** Ids in a draft at most. */
export const MAX_DRAFT = 8;
/** With more sequences than these a step reads most of the weights anyway, and drafts only add to it. */
const MOST_SEQUENCES = 4;
/** Ids that the drafts of one step may add. */
export const MAX_DRAFTED = MOST_SEQUENCES * MAX_DRAFT;

/** Throws `engine/bad-parameter`. */
export function checkSpeculate(speculate: Speculate = 'auto'): void {
  if (speculate === 'auto' || speculate === 'off') return;
  if (Number.isInteger(speculate) && speculate >= 1 && speculate <= MAX_DRAFT) return;
  const found = `Expected speculate to be auto, off, or an integer in [1, ${MAX_DRAFT}], got ${speculate}`;
  throw new OssiaError('engine/bad-parameter', found, { details: { parameter: 'speculate' } });
}

/** How much faster a draft must promise to be. */
const MARGIN = 1.1;
/** Longest matches of a class, and how often ids behind one are expected to come true before anything is known. */
const CLASSES = [
  { length: 2, prior: 0.2 },
  { length: 4, prior: 0.4 },
  { length: 8, prior: 0.6 },
  { length: Number.POSITIVE_INFINITY, prior: 0.8 },
] as const;
/** Weight of the prior, in ids. */
const PRIOR_IDS = 2;
/** What a verified draft leaves of what was known, and what a match leaves that was passed over: so it is tried again. */
const [FADES, FADES_UNUSED] = [0.85, 0.97];

/** What is known of one text. */
class TextState {
  readonly index = new NgramIndex();
  readonly hits = CLASSES.map(() => 0);
  readonly misses = CLASSES.map(() => 0);
  /** Class of the draft that is being computed. */
  drafting = 0;

  fade(of: number, factor: number): void {
    this.hits[of]! *= factor;
    this.misses[of]! *= factor;
  }

  /** How likely the next id of a draft is to come true when those before it did. */
  chance(of: number): number {
    const [hits, misses] = [this.hits[of]!, this.misses[of]!];
    return (hits + PRIOR_IDS * CLASSES[of]!.prior) / (hits + misses + PRIOR_IDS);
  }
}

/**
 * Guesses what comes next in a text from what came before in it: prompt lookup. Guesses are computed in the step of the last
 * id and change no token, because each is held against what is sampled in its place: they only cost or save time.
 */
export class Speculation {
  readonly #mode: Speculate;
  readonly #costs = new StepCosts();
  readonly #texts = new WeakMap<Generation, TextState>();

  constructor(mode: Speculate) {
    this.#mode = mode;
  }

  /** A draft for each of the sequences of the next step, which computes `counts` ids of them; empty where there is none. */
  draft(batch: readonly Generation[], counts: readonly number[]): (readonly number[])[] {
    const most = this.#mode === 'off' ? 0 : this.#mode === 'auto' ? 1 : MOST_SEQUENCES;
    if (batch.length > most) return batch.map(() => []);
    return batch.map((generation, i) => {
      const waits = generation.decoding && !generation.finished && counts[i] === generation.remaining;
      return waits ? this.#draftFor(generation, counts[i]!) : [];
    });
  }

  /** What came of a draft. */
  learn(generation: Generation, drafted: number, matched: number): void {
    const text = this.#texts.get(generation)!;
    text.fade(text.drafting, FADES);
    text.hits[text.drafting]! += matched;
    if (matched < drafted) text.misses[text.drafting]! += 1;
  }

  /** A sequence computed so many ids alone, in so much time. */
  took(ids: number, ms: number): void {
    if (this.#mode === 'auto') this.#costs.add(ids, ms);
  }

  #draftFor(generation: Generation, count: number): readonly number[] {
    const room = Math.min(MAX_DRAFT, generation.draftRoom);
    if (room <= 0) return [];
    const text = this.#texts.get(generation) ?? new TextState();
    this.#texts.set(generation, text);
    const match = text.index.find(generation.ids);
    if (!match) return [];
    const of = CLASSES.findIndex(({ length }) => match.length <= length);
    const length =
      typeof this.#mode === 'number' ? Math.min(room, this.#mode) : this.#best(text.chance(of), count, room);
    if (length === 0) text.fade(of, FADES_UNUSED);
    text.drafting = of;
    return continuation(generation.ids, match, length);
  }

  /** The length with the most ids per time, or 0. */
  #best(chance: number, count: number, room: number): number {
    let [best, most, expected, power] = [0, MARGIN, 1, 1];
    for (let length = 1; length <= room; length++) {
      power *= chance;
      expected += power;
      const gain = expected / this.#costs.ratio(count, count + length);
      if (gain > most) [best, most] = [length, gain];
    }
    return best;
  }
}
