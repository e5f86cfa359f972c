import { Counter, Gauge, type Registry } from 'prom-client';
import type { ModelCard } from '../../api/index.ts';
import type { EngineStats } from '../../engine/index.ts';

/** What one loaded model's engine does and has done. */
export interface ModelStats {
  readonly name: string;
  readonly stats: EngineStats;
}

const GAUGES = {
  'vllm:num_requests_running': ['Sequences on the machine now.', ({ running }) => running],
  'vllm:num_requests_waiting': ['Requests that wait for a place.', ({ waiting }) => waiting],
  'vllm:kv_cache_usage_perc': [
    'The part of the KV cache that running sequences use, 0 to 1; kept prefixes make room for others.',
    ({ blocksInUse, blockCapacity, prefixCache }) =>
      blockCapacity === 0 ? 0 : (blocksInUse - prefixCache.idleBlocks) / blockCapacity,
  ],
  'ossia:kv_cache_bytes': ['KV cache in use.', ({ kvBytesUsed }) => kvBytesUsed],
  'ossia:kv_cache_capacity_bytes': ['What the KV cache may grow to.', ({ kvBytesCapacity }) => kvBytesCapacity],
  'ossia:prefix_cache_blocks': ['Blocks of kept prefixes.', ({ prefixCache }) => prefixCache.blocks],
} as const satisfies Table;

const COUNTERS = {
  'vllm:prefix_cache_queries_total': [
    'Tokens of prompts that were looked up among the kept prefixes.',
    ({ prefixCache }) => prefixCache.queriedTokens,
  ],
  'vllm:prefix_cache_hits_total': ['Those that were found there.', ({ prefixCache }) => prefixCache.hitTokens],
  'ossia:prefix_cache_evictions_total': [
    'Blocks of kept prefixes that made room.',
    ({ prefixCache }) => prefixCache.evictions,
  ],
  'ossia:steps_total': ['Steps of the engine.', ({ steps }) => steps],
  'ossia:prefill_tokens_total': ['Tokens of prompts that were computed.', ({ prefillTokens }) => prefillTokens],
  'ossia:sampled_tokens_total': ['Tokens that were sampled.', ({ decodeTokens }) => decodeTokens],
  'ossia:forced_tokens_total': [
    'Tokens that came without sampling: nothing else could follow.',
    ({ forcedTokens }) => forcedTokens,
  ],
  'vllm:spec_decode_num_drafts_total': [
    'Drafts of tokens that were guessed and computed ahead.',
    ({ speculation }) => speculation.drafts,
  ],
  'vllm:spec_decode_num_draft_tokens_total': ['Tokens in them.', ({ speculation }) => speculation.draftedTokens],
  'vllm:spec_decode_num_accepted_tokens_total': [
    'Those of them that came true.',
    ({ speculation }) => speculation.acceptedTokens,
  ],
} as const satisfies Table;

type Table = Readonly<Record<string, readonly [help: string, value: (stats: EngineStats) => number]>>;

/** Copies of what engines and the host say of themselves, taken when they are asked for. */
export class EngineMetrics {
  readonly #gauges: readonly (readonly [Gauge<'model_name'>, (stats: EngineStats) => number])[];
  readonly #counters: readonly (readonly [Counter<'model_name'>, (stats: EngineStats) => number])[];
  readonly #loaded: Gauge;
  readonly #memory: Gauge<'model_name'>;

  constructor(registry: Registry) {
    const more = { labelNames: ['model_name'] as const, registers: [registry] };
    this.#gauges = Object.entries(GAUGES).map(
      ([name, [help, value]]) => [new Gauge({ name, help, ...more }), value] as const,
    );
    this.#counters = Object.entries(COUNTERS).map(
      ([name, [help, value]]) => [new Counter({ name, help, ...more }), value] as const,
    );
    this.#loaded = new Gauge({ name: 'ossia:models_loaded', help: 'Models in memory.', registers: [registry] });
    const help = 'What a loaded model takes at most: its weights and its KV cache at its largest.';
    this.#memory = new Gauge({ name: 'ossia:model_memory_bytes', help, ...more });
  }

  /** Models that have gone since the last time are no longer there. */
  update(engines: readonly ModelStats[], cards: readonly ModelCard[]): void {
    for (const [gauge, value] of this.#gauges) {
      gauge.reset();
      for (const { name, stats } of engines) gauge.set({ model_name: name }, value(stats));
    }
    for (const [counter, value] of this.#counters) {
      counter.reset();
      for (const { name, stats } of engines) counter.inc({ model_name: name }, value(stats));
    }
    this.#memory.reset();
    const loaded = cards.filter((card) => card.loaded);
    for (const { name, loaded: use } of loaded) this.#memory.set({ model_name: name }, use!.memoryBytes);
    this.#loaded.set(loaded.length);
  }
}
