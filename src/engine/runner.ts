import type { LayerRouting } from '../model/index.ts';

/**
 * What the scheduler needs of a model, and no more: sequences that grow by chunks, and blocks of them that can be kept.
 * The real one is model-runner.ts; tests use one that needs no weights.
 *
 * Contract: the logits of a sequence depend on its own ids alone, to the bit. Not on what else is in a step, on how the ids
 * were cut into chunks, nor on whether its beginning was kept.
 */
export interface Runner {
  readonly vocabSize: number;
  /** Tokens in the longest sequence. */
  readonly contextLength: number;
  /** Positions in a block. */
  readonly blockSize: number;
  /** Blocks of KV cache that may be in use at one time, kept ones included. */
  readonly capacity: number;
  /** Bytes that they may take. */
  readonly kvBytesCapacity: number;
  /** Blocks in use now; one that several sequences share counts once. */
  blocksInUse(): number;
  /** Bytes of them. */
  kvBytesUsed(): number;
  /** The first block whose window a sequence needs to go on after `length` positions. */
  firstVisibleBlock(length: number): number;
  /**
   * Begins a sequence, empty or after the first `length` positions of kept blocks: it shares the whole ones and copies the
   * begun one, which takes a block. From `firstVisibleBlock(length)` on all must have their windows.
   */
  open(kept?: readonly KeptBlock[], length?: number): RunnerSequence;
  /** Appends the ids of every entry to its sequence. Returns the rows of logits [vocab] that each entry asks for, in order. */
  step(entries: readonly StepEntry[]): Promise<Float32Array[]>;
  /** Which experts compute these ids, per layer; beside the steps, in pieces between them. Absent where there are none to tell of. */
  routing?(ids: readonly number[], request: RoutingRequest): Promise<LayerRouting[]>;
}

export interface RoutingRequest {
  /** The first position to tell of. Default 0. */
  readonly from?: number;
  /** Ends it before its next piece: it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A sequence's share of the KV cache. */
export interface RunnerSequence {
  /** Positions computed so far. */
  readonly length: number;
  /** Takes a share of block `index`, whole or begun; with its window if the sequence still has it. */
  keep(index: number): KeptBlock;
  /** Forgets the positions from `length` on. Only those of the last step can be forgotten, and none that were kept since. */
  retreat(length: number): void;
  release(): void;
}

/** One block that outlives its sequence. */
export interface KeptBlock {
  /** Whether it holds what layers with a sliding window need; they drop it early, and cannot go on without it. */
  readonly hasWindow: boolean;
  /** Whether a sequence uses it too, so that giving it back frees nothing. */
  readonly shared: boolean;
  /** Whether both are the same block. */
  equals(other: KeptBlock): boolean;
  dropWindow(): void;
  release(): void;
}

export interface StepEntry {
  readonly sequence: RunnerSequence;
  readonly ids: readonly number[];
  /** How many rows of logits are wanted: those after each of the last so many ids. */
  readonly logits: number;
}
