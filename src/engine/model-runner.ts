import {
  KeptBlock as CachedBlock,
  KV_BLOCK,
  KvCache,
  type LayerRouting,
  type Model,
  routing,
  runStep,
  Sequence,
} from '../model/index.ts';
import { Exclusive } from './exclusive.ts';
import { maxWindowBlocks, type SchedulerOptions, schedulerLimits } from './limits.ts';
import type { PrefillBudget } from './plan.ts';
import type { KeptBlock, RoutingRequest, Runner, RunnerSequence, StepEntry } from './runner.ts';

export interface ModelRunnerOptions {
  /** Tokens in the longest sequence. Default: the model's maximum. */
  readonly contextLength?: number;
  /** Tokens of all sequences and kept blocks together. Default: one full context. */
  readonly cacheTokens?: number;
  /** How many sequences it will run at a time, and how long their steps are: layers with a window need no more room. */
  readonly scheduling?: SchedulerOptions;
}

/** Tokens in a step of the background: whoever runs, or comes meanwhile, waits for it. */
const BACKGROUND = { alone: 256, beside: 32 };

/** Runs the real model over a KV cache, whose memory is taken as it fills. */
export class ModelRunner implements Runner {
  readonly vocabSize: number;
  readonly contextLength: number;
  readonly blockSize = KV_BLOCK;
  readonly capacity: number;
  readonly #model: Model;
  readonly #cache: KvCache;
  readonly #prefill: PrefillBudget;
  /** Steps take turns with what is computed in the background, so that neither waits for more than one of the other. */
  readonly #exclusive = new Exclusive();
  /** Whether a step has run since the last piece of work in the background. */
  #isBusy = false;

  constructor(model: Model, options: ModelRunnerOptions = {}) {
    this.#model = model;
    this.vocabSize = model.config.vocabSize;
    this.contextLength = options.contextLength ?? model.config.maxContextLength;
    const maxTokens = options.cacheTokens ?? this.contextLength;
    this.capacity = Math.ceil(maxTokens / KV_BLOCK);
    this.#prefill = schedulerLimits(options.scheduling ?? {}, this.capacity).prefill;
    const shape = { capacity: this.capacity, blockSize: KV_BLOCK, window: Math.max(...model.config.windows) };
    const maxSlidingBlocks = options.scheduling ? maxWindowBlocks(shape, options.scheduling) : this.capacity;
    this.#cache = new KvCache(model, { maxTokens, maxSlidingBlocks });
  }

  /** Bytes that one more position takes in the layers that see everything. */
  get kvBytesPerToken(): number {
    return (this.#cache.full.storage?.bytesPerBlock ?? 0) / KV_BLOCK;
  }

  get kvBytesCapacity(): number {
    return this.#cache.bytesCapacity;
  }

  kvBytesUsed(): number {
    return this.#cache.bytesUsed;
  }

  blocksInUse(): number {
    return this.capacity - this.#cache.numFreeBlocks;
  }

  firstVisibleBlock(length: number): number {
    return this.#cache.firstVisibleBlock(length);
  }

  open(kept: readonly KeptBlock[] = [], length = kept.length * KV_BLOCK): RunnerSequence {
    const blocks = kept.map((block) => {
      if (block instanceof CachedBlock) return block;
      throw new TypeError('Cannot open a block of another runner');
    });
    return this.#cache.open(blocks, length);
  }

  async step(entries: readonly StepEntry[]): Promise<Float32Array[]> {
    const own = entries.map(({ sequence, ids, logits }) => {
      if (!(sequence instanceof Sequence)) throw new TypeError('Cannot run a sequence of another runner');
      return { sequence, ids, logits: Array.from({ length: logits }, (_, row) => ids.length - logits + row) };
    });
    this.#isBusy = true;
    const { logits } = await this.#exclusive.run(() => runStep(this.#model, this.#cache, own));
    return logits.flatMap((rows, i) => {
      const row = (index: number) => rows.subarray(index * this.vocabSize, (index + 1) * this.vocabSize);
      return Array.from({ length: entries[i]!.logits }, (_, index) => row(index));
    });
  }

  /** In pieces as long as those of a prompt, with a KV cache of its own that goes when it is done. */
  async routing(ids: readonly number[], { from, signal }: RoutingRequest = {}): Promise<LayerRouting[]> {
    const chunk = () => {
      const { alone, besideDecode } = this.#prefill;
      const tokens = this.#isBusy ? Math.min(besideDecode, BACKGROUND.beside) : Math.min(alone, BACKGROUND.alone);
      this.#isBusy = false;
      return tokens;
    };
    return await routing(this.#model, ids, {
      chunk,
      alone: (step) => this.#exclusive.run(step),
      ...(from === undefined ? {} : { from }),
      ...(signal === undefined ? {} : { signal }),
    });
  }

  dispose(): void {
    this.#cache.dispose();
  }
}
