import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { TurnObserver, TurnRequest } from '../../api/index.ts';
import type { ChatEnd, ChatEvent, LoadedModel, Usage } from '../../chat/index.ts';
import { BETWEEN_TOKENS, FIRST_TOKEN, REQUEST, TOKENS } from './buckets.ts';

const MODEL = ['model_name'] as const;

/** vLLM's names for why a request ended. */
const FINISHED_REASON = { stop: 'stop', tool_calls: 'stop', length: 'length', cancelled: 'abort' } as const;

/** What turns do, as they are seen from above the engine; names with `vllm:` mean what they mean there. */
export class TurnMetrics implements TurnObserver {
  readonly #running: Gauge<'model_name' | 'api'>;
  readonly #finished: Counter<'model_name' | 'finished_reason'>;
  readonly #cut: Counter<'model_name' | 'reason'>;
  readonly #counters: Readonly<Record<keyof typeof COUNTERS, Counter<'model_name'>>>;
  readonly #histograms: Readonly<Record<keyof typeof HISTOGRAMS, Histogram<'model_name'>>>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#running = new Gauge({
      name: 'ossia:turns_running',
      help: 'Turns that run or wait, by wire format.',
      labelNames: ['model_name', 'api'],
      registers,
    });
    this.#finished = new Counter({
      name: 'vllm:request_success_total',
      help: 'Turns that ended, by why.',
      labelNames: ['model_name', 'finished_reason'],
      registers,
    });
    this.#cut = new Counter({
      name: 'ossia:reasoning_cut_total',
      help: 'Thoughts that were closed before the model ended them, by why.',
      labelNames: ['model_name', 'reason'],
      registers,
    });
    this.#counters = mapValues(COUNTERS, ([name, help]) => new Counter({ name, help, labelNames: MODEL, registers }));
    this.#histograms = mapValues(
      HISTOGRAMS,
      ([name, help, buckets]) => new Histogram({ name, help, buckets: [...buckets], labelNames: MODEL, registers }),
    );
  }

  begin({ api, loadMs = 0 }: TurnRequest, { name }: LoadedModel) {
    const labels = { model_name: name };
    const started = performance.now();
    let last = started;
    let pieces = 0;
    let usage: Usage | undefined;
    /** Between a call and what follows it a tool runs. */
    let called = false;
    let ended = false;
    this.#running.inc({ ...labels, api });
    if (loadMs > 0) this.#histograms.load.observe(labels, loadMs / 1000);
    return {
      event: (event: ChatEvent) => {
        if (event.type === 'reasoning' || event.type === 'text' || event.type === 'tool_call_delta') {
          const now = performance.now();
          const seconds = (now - last) / 1000;
          if (pieces++ === 0) this.#histograms.firstToken.observe(labels, seconds);
          else if (!called) this.#histograms.betweenTokens.observe(labels, seconds);
          called = false;
          last = now;
        } else if (event.type === 'tool_call') called = true;
        else if (event.type === 'usage') usage = event;
        else if (event.type === 'end') {
          ended = true;
          this.#end(name, event, usage, (performance.now() - started) / 1000);
        }
      },
      fail: () => {
        ended = true;
        this.#finished.inc({ ...labels, finished_reason: 'error' });
        this.#counters.failed.inc(labels);
      },
      over: () => {
        this.#running.dec({ ...labels, api });
        if (ended) return;
        this.#finished.inc({ ...labels, finished_reason: 'abort' });
        this.#counters.cancelled.inc(labels);
        this.#counters.generation.inc(labels, pieces); // nobody counted; a piece is a token, nearly always
      },
    };
  }

  #end(name: string, end: ChatEnd, usage: Usage | undefined, seconds: number): void {
    const labels = { model_name: name };
    const { queueMs, prefillMs, decodeMs } = end.timing;
    const { firstToken: _f, betweenTokens: _b, load: _l, ...histograms } = this.#histograms;
    histograms.wholeTurn.observe(labels, seconds);
    histograms.queue.observe(labels, queueMs / 1000);
    histograms.prefill.observe(labels, prefillMs / 1000);
    histograms.decode.observe(labels, decodeMs / 1000);
    histograms.inference.observe(labels, (prefillMs + decodeMs) / 1000);
    this.#finished.inc({ ...labels, finished_reason: FINISHED_REASON[end.reason] });
    this.#counters.repairs.inc(labels, end.repairs.length);
    if (end.reason === 'cancelled') this.#counters.cancelled.inc(labels);
    if (end.reasoningCut) this.#cut.inc({ ...labels, reason: end.reasoningCut });
    if (end.truncated) this.#counters.truncated.inc(labels);
    if (!usage) return;
    histograms.promptTokens.observe(labels, usage.promptTokens);
    histograms.generationTokens.observe(labels, usage.outputTokens);
    this.#counters.prompt.inc(labels, usage.promptTokens);
    this.#counters.generation.inc(labels, usage.outputTokens);
    this.#counters.cached.inc(labels, usage.cachedTokens);
    this.#counters.reasoning.inc(labels, usage.reasoningTokens);
  }
}

const COUNTERS = {
  prompt: ['vllm:prompt_tokens_total', 'Tokens of prompts, cached ones included.'],
  generation: ['vllm:generation_tokens_total', 'Tokens that models wrote.'],
  cached: ['ossia:cached_tokens_total', 'Tokens of prompts that were taken from a kept prefix.'],
  reasoning: ['ossia:reasoning_tokens_total', 'Tokens of thoughts, of those that models wrote.'],
  repairs: ['ossia:repairs_total', 'Repairs of malformed output. Turns under the constraint need none.'],
  cancelled: ['ossia:turns_cancelled_total', 'Turns that ended because whoever asked had left, or time was up.'],
  failed: ['ossia:turns_failed_total', 'Turns that were refused or ended with an error.'],
  truncated: ['ossia:turns_truncated_total', 'Turns whose history was cut, as the request allowed.'],
} as const;

const HISTOGRAMS = {
  firstToken: ['vllm:time_to_first_token_seconds', 'From the start of a turn to its first token.', FIRST_TOKEN],
  betweenTokens: ['vllm:inter_token_latency_seconds', 'From one token of a turn to its next.', BETWEEN_TOKENS],
  wholeTurn: ['vllm:e2e_request_latency_seconds', 'Turns, from their start to their end.', REQUEST],
  queue: ['vllm:request_queue_time_seconds', 'Waiting for a place in the engine.', REQUEST],
  prefill: ['vllm:request_prefill_time_seconds', 'Reading the prompt.', REQUEST],
  decode: ['vllm:request_decode_time_seconds', 'Writing.', REQUEST],
  inference: ['vllm:request_inference_time_seconds', 'Reading and writing.', REQUEST],
  promptTokens: ['vllm:request_prompt_tokens', 'Tokens of a prompt.', TOKENS],
  generationTokens: ['vllm:request_generation_tokens', 'Tokens that a turn wrote.', TOKENS],
  load: ['ossia:model_load_seconds', 'Waiting for a model that had to be loaded.', REQUEST],
} as const;

function mapValues<K extends string, V, W>(record: Readonly<Record<K, V>>, map: (value: V) => W): Record<K, W> {
  return Object.fromEntries(Object.entries<V>(record).map(([key, value]) => [key, map(value)])) as Record<K, W>;
}
