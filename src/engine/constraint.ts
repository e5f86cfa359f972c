/** A set of token ids, one bit each: id i is bit i % 32 of word ⌊i / 32⌋. [⌈vocab / 32⌉] */
export type TokenMask = Uint32Array;

/** Anything that can say which tokens may come next, and move on by one: a grammar, a list of answers, a budget. */
export interface Constraint {
  /** Adds the ids that may come next to a mask that arrives empty. Must add one at least. */
  allow(mask: TokenMask): void;
  /** The token that was chosen, always one that was allowed. */
  advance(id: number): void;
  /** The ids that must come next, in order, where there is one way only; empty where there is a choice. Absent: never known. */
  forced?(): readonly number[];
  /** The caller of a running turn wants it to come to its point: what `allow` and `forced` say from here on may narrow. */
  hurry?(): void;
}

/** Makes constraints out of the plain data that requests carry. Throws for data that makes none. */
export type ConstraintFactory = (spec: unknown) => Constraint;

/** What a module named by `EngineOptions.constraints` exports as `openConstraints`. */
export type OpenConstraints = (model: {
  readonly path: string;
  /** The number of logits. */
  readonly vocabSize: number;
}) => ConstraintFactory | Promise<ConstraintFactory>;

/** Loads such a module, so that the engine can hold its constraints and still knows nothing of what they mean. */
export async function loadConstraints(
  module: string,
  model: Parameters<OpenConstraints>[0],
): Promise<ConstraintFactory> {
  const { openConstraints }: { openConstraints?: OpenConstraints } = await import(module);
  if (typeof openConstraints !== 'function') throw new TypeError(`Expected ${module} to export openConstraints`);
  return openConstraints(model);
}

/** An empty mask for a vocabulary of this size. */
export function tokenMask(vocabSize: number): TokenMask {
  return new Uint32Array(Math.ceil(vocabSize / 32));
}

/** Adds one id to a mask. */
export function allowToken(mask: TokenMask, id: number): void {
  mask[id >>> 5]! |= 1 << (id & 31);
}
