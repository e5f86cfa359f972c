/**
 * What the scheduler needs of a model, and no more: sequences that grow by chunks, and prefixes that can be kept.
 * The real one is model-runner.ts; tests use one that needs no weights.
 *
 * Contract: the logits of a sequence depend on its own ids alone, to the bit. Not on what else is in a step, on how the ids
 * were cut into chunks, nor on whether a prefix was kept.
 */
export interface Runner {
  readonly vocabSize: number;
  /** Tokens in the longest sequence. */
  readonly contextLength: number;
  /** Positions in a block: kept prefixes are whole blocks. */
  readonly blockSize: number;
  /** Blocks of KV cache that may be in use at one time, kept prefixes included. */
  readonly capacity: number;
  /** Blocks in use now; one that several sequences share counts once. */
  blocksInUse(): number;
  /** Bytes of the blocks in use now. */
  kvBytesUsed(): number;
  /** What they may grow to. */
  readonly kvBytesCapacity: number;
  /** Begins a sequence, empty or after a kept prefix. */
  open(prefix?: Prefix): RunnerSequence;
  /** Appends the ids of every entry to its sequence. Returns a row of logits [vocab] for each entry that asks, in order. */
  step(entries: readonly StepEntry[]): Promise<Float32Array[]>;
}

/** A sequence's share of the KV cache. */
export interface RunnerSequence {
  /** Positions computed so far. */
  readonly length: number;
  /** A snapshot of the whole blocks so far. */
  keep(): Prefix;
  release(): void;
}

/** Whole blocks that outlive their sequence. */
export interface Prefix {
  readonly length: number;
  release(): void;
}

export interface StepEntry {
  readonly sequence: RunnerSequence;
  readonly ids: readonly number[];
  /** Whether the row of logits after the last id is wanted. */
  readonly logits: boolean;
}
