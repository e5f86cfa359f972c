import { KV_BLOCK, KvCache, type Model, type Prefix as ModelPrefix, runStep, type Sequence } from '../model/index.ts';
import type { Prefix, Runner, RunnerSequence, StepEntry } from './runner.ts';

export interface ModelRunnerOptions {
  /** Tokens in the longest sequence. Default: the model's maximum. */
  readonly contextLength?: number;
}

/** Runs the real model over a KV cache. */
export class ModelRunner implements Runner {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly blockSize = KV_BLOCK;
  readonly capacity: number;
  readonly #model: Model;
  readonly #cache: KvCache;

  constructor(model: Model, options: ModelRunnerOptions = {}) {
    this.#model = model;
    this.vocabSize = model.config.vocabSize;
    this.contextLength = options.contextLength ?? model.config.maxContextLength;
    // Memory is taken as it fills, so the limit is one full context for all sequences and kept prefixes together.
    this.#cache = new KvCache(model, { maxTokens: this.contextLength });
    this.capacity = Math.ceil(this.contextLength / KV_BLOCK);
  }

  /** Bytes that one more position takes in the layers that see everything. */
  get kvBytesPerToken(): number {
    return (this.#cache.full.storage?.bytesPerBlock ?? 0) / KV_BLOCK;
  }

  kvBytesUsed(): number {
    return this.#cache.bytesUsed;
  }

  get kvBytesCapacity(): number {
    return this.#cache.bytesCapacity;
  }

  blocksInUse(): number {
    return this.capacity - this.#cache.numFreeBlocks;
  }

  open(prefix?: Prefix): RunnerSequence {
    if (prefix && !(prefix instanceof CachePrefix)) throw new TypeError('Cannot open a prefix of another runner');
    return new CacheSequence(this.#cache.open(prefix?.inner));
  }

  async step(entries: readonly StepEntry[]): Promise<Float32Array[]> {
    const { logits } = await runStep(
      this.#model,
      this.#cache,
      entries.map(({ sequence, ids, logits }) => {
        if (!(sequence instanceof CacheSequence)) throw new TypeError('Cannot run a sequence of another runner');
        return { sequence: sequence.inner, ids, logits: logits ? 'last' : 'none' };
      }),
    );
    return logits.filter((_, i) => entries[i]!.logits);
  }

  dispose(): void {
    this.#cache.dispose();
  }
}

class CacheSequence implements RunnerSequence {
  readonly inner: Sequence;

  constructor(inner: Sequence) {
    this.inner = inner;
  }

  get length(): number {
    return this.inner.length;
  }

  keep(): Prefix {
    return new CachePrefix(this.inner.keep());
  }

  release(): void {
    this.inner.release();
  }
}

class CachePrefix implements Prefix {
  readonly inner: ModelPrefix;

  constructor(inner: ModelPrefix) {
    this.inner = inner;
  }

  get length(): number {
    return this.inner.length;
  }

  release(): void {
    this.inner.release();
  }
}
