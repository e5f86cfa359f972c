import type { EndEvent, Engine, GenerateEvent, GenerateParams, SubmitOptions, TokenEvent } from '../engine/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { LoadedModel } from './load.ts';
import type { ModelInfo } from './types.ts';

/** What a scripted model writes: ids, or text in which control tokens stand by name, from right behind `<|start|>assistant`. */
export type ScriptedText = string | readonly number[];

/** One turn of a script. An error is what reading the turn throws. `hurried`: what is written instead once `hurry` fires. */
export type ScriptedTurn = ScriptedText | Error | { readonly say: ScriptedText; readonly hurried: ScriptedText };

export interface ScriptOptions {
  /** Default `scripted`. */
  readonly name?: string;
  /** Default 4096. */
  readonly contextLength?: number;
  /** Default 0: as fast as it is read, each token a turn of the event loop. */
  readonly msPerToken?: number;
  /** Tokens of every prompt that count as cached. Default 0. */
  readonly cachedTokens?: number;
}

export interface ScriptedRequest {
  readonly prompt: readonly number[];
  readonly params: GenerateParams;
  readonly options: SubmitOptions;
}

/** An engine that writes what a script says, one turn a request, in the order in which they are submitted. */
export class ScriptedEngine implements Engine {
  /** All that was asked of it. */
  readonly requests: ScriptedRequest[] = [];
  closed = false;
  readonly #turns: readonly ScriptedTurn[];
  readonly #encode: (text: ScriptedText) => readonly number[];
  readonly #options: Required<Omit<ScriptOptions, 'name'>>;

  constructor(tokenizer: Tokenizer, turns: readonly ScriptedTurn[], options: ScriptOptions = {}) {
    this.#turns = turns;
    this.#encode = (text) => (typeof text === 'string' ? tokenizer.encodeWithSpecials(text) : text);
    this.#options = { contextLength: 4096, msPerToken: 0, cachedTokens: 0, ...options };
  }

  submit(
    prompt: readonly number[],
    params: GenerateParams = {},
    options: SubmitOptions = {},
  ): AsyncIterable<GenerateEvent> {
    const turn = this.#turns[this.requests.length];
    this.requests.push({ prompt, params, options });
    return this.#play(turn ?? new TypeError('The script has no turn left'), prompt, params, options);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  /** Ends by `stop` at a stop id, by `length` at the limit or where the script breaks off, and by `cancelled`. */
  async *#play(
    turn: ScriptedTurn,
    prompt: readonly number[],
    params: GenerateParams,
    { signal, hurry }: SubmitOptions,
  ): AsyncGenerator<GenerateEvent, void, undefined> {
    if (turn instanceof Error) throw turn;
    const isPlain = typeof turn === 'string' || !('say' in turn);
    let ids = this.#encode(isPlain ? turn : turn.say);
    const limit = Math.min(params.maxTokens ?? Number.POSITIVE_INFINITY, this.#options.contextLength - prompt.length);
    const started = performance.now();
    let reason: EndEvent['reason'] = 'length';
    let outputTokens = 0;
    for (let i = 0, hurried = isPlain; i < ids.length && outputTokens < limit; i++) {
      await pause(this.#options.msPerToken, signal);
      if (signal?.aborted || this.closed) {
        reason = 'cancelled';
        break;
      }
      let forced = {};
      if (hurry?.aborted && !hurried && !isPlain) {
        hurried = true;
        ids = this.#encode(turn.hurried);
        i = 0;
        forced = { forced: true };
      }
      const id = ids[i]!;
      outputTokens++;
      yield { type: 'token', id, logprob: 0, ...this.#more(id, params, prompt, outputTokens), ...forced };
      if (!params.stopIds?.includes(id)) continue;
      reason = 'stop';
      break;
    }
    const timing = { queueMs: 0, prefillMs: 0, decodeMs: performance.now() - started };
    const promptTokens = prompt.length;
    const cachedTokens = this.#cached(prompt);
    yield { type: 'end', reason, promptTokens, cachedTokens, outputTokens, seed: params.seed ?? 0, timing };
  }

  #cached(prompt: readonly number[]): number {
    return Math.min(this.#options.cachedTokens, prompt.length);
  }

  /** What a token tells besides, when asked for it. */
  #more(
    id: number,
    { topLogprobs, trace }: GenerateParams,
    prompt: readonly number[],
    count: number,
  ): Omit<TokenEvent, 'type' | 'id' | 'logprob'> {
    return {
      ...(topLogprobs ? { top: [{ id, logprob: 0 }] } : {}),
      ...(trace ? { entropy: 0 } : {}),
      ...(trace && count === 1 ? { cachedTokens: this.#cached(prompt) } : {}),
    };
  }
}

/** A model that says what a script says, whatever it is told. Constraints mean nothing to it: what it says may be malformed. */
export class ScriptedModel extends LoadedModel {
  readonly engine: ScriptedEngine;

  constructor(engine: ScriptedEngine, tokenizer: Tokenizer, info: ModelInfo) {
    super(engine, tokenizer, info);
    this.engine = engine;
  }
}

/** A model for tests of what stands above a model: it replays `turns`, and `engine.requests` says what it was asked. */
export function scriptedModel(
  tokenizer: Tokenizer,
  turns: readonly ScriptedTurn[],
  options: ScriptOptions = {},
): ScriptedModel {
  const { name = 'scripted', contextLength = 4096 } = options;
  const engine = new ScriptedEngine(tokenizer, turns, options);
  return new ScriptedModel(engine, tokenizer, scriptedInfo(name, contextLength, tokenizer.vocabSize));
}

/** The shape of a model of one layer that is nowhere. */
function scriptedInfo(name: string, contextLength: number, vocabSize: number): ModelInfo {
  const widths = { hiddenSize: 64, intermediateSize: 64, numAttentionHeads: 1, numKeyValueHeads: 1, headDim: 64 };
  const rope = { ropeTheta: 150_000, ropeScalingFactor: 32, ropeBetaSlow: 1, ropeBetaFast: 32 };
  const lengths = { initialContextLength: contextLength, maxContextLength: contextLength };
  const activation = { rmsNormEpsilon: 1e-5, swigluLimit: 7, swigluAlpha: 1.702 };
  const experts = { numExperts: 2, expertsPerToken: 1 };
  const layers = { numLayers: 1, slidingWindow: 128, windows: [0] };
  return {
    name,
    origin: 'path',
    path: `/nowhere/${name}`,
    layout: 'huggingface',
    config: { vocabSize, ...widths, ...rope, ...lengths, ...activation, ...experts, ...layers },
    sizeBytes: 0,
    mapped: false,
    backend: 'reference',
    backendDescription: 'a script',
    dense: 'keep',
    kvBits: 16,
    contextLength,
    kvBytesPerToken: 0,
    kvBytesCapacity: 0,
    defaults: {},
  };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (ms === 0) return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
