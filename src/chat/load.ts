import { OssiaError } from '../base/index.ts';
import { type ResolveOptions, resolveModel } from '../checkpoint/index.ts';
import {
  type Engine,
  type EngineOptions,
  type EngineStats,
  type GenerateEvent,
  type GenerateParams,
  type RoutingRequest,
  type SubmitOptions,
  startEngine,
} from '../engine/index.ts';
import { render, stopIds } from '../harmony/index.ts';
import type { LayerRouting } from '../model/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { constraintsModule } from './constraints.ts';
import { fitContext } from './context.ts';
import { toConversation } from './conversation.ts';
import { readTokenizer } from './tokenizer.ts';
import { runTurn } from './turn.ts';
import { TurnRules } from './turn-rules.ts';
import type { ChatEvent, ChatMessage, ChatOptions, ModelInfo } from './types.ts';

export interface LoadOptions extends Omit<EngineOptions, 'path' | 'constraints'>, Pick<ResolveOptions, 'revision'> {
  /** Where models are kept. Default: where Hugging Face's and Ollama's own tools keep them. */
  readonly stores?: Omit<ResolveOptions, 'revision'>;
}

/**
 * Loads a model by name or path and starts its engine on a thread of its own.
 *
 *     await using model = await load('ossia-nano');
 *     for await (const event of model.chat('What can you do?')) {
 *       if (event.type === 'text') process.stdout.write(event.delta);
 *     }
 *
 * Throws `store/unknown-model`, `checkpoint/…`, `tokenizer/bad-vocabulary`, `backend/unavailable`, `engine/bad-parameter`.
 */
export async function load(name = 'ossia-nano', options: LoadOptions = {}): Promise<LoadedModel> {
  const { stores, revision, ...engineOptions } = options;
  const found = await resolveModel(name, { ...stores, revision });
  const [engine, tokenizer] = await Promise.allSettled([
    startEngine({ ...engineOptions, path: found.path, constraints: constraintsModule }),
    readTokenizer(found.path),
  ]);
  if (engine.status === 'rejected') throw engine.reason;
  if (tokenizer.status === 'rejected') {
    await engine.value.close();
    throw tokenizer.reason;
  }
  const { info } = engine.value;
  const { vocabSize } = info.config;
  // One more may be named than there are logits, as gpt-oss's own tokenizer does; text would never become it.
  if (tokenizer.value.vocabSize > vocabSize + 1) {
    await engine.value.close();
    const sizes = `${tokenizer.value.vocabSize} tokens, but the model has ${vocabSize}`;
    throw new OssiaError('tokenizer/bad-vocabulary', `Cannot use ${found.path}: its tokenizer names ${sizes}`);
  }
  return new LoadedModel(engine.value, tokenizer.value, { ...info, name: found.name, origin: found.origin });
}

/** An engine that can say what it does, as `startEngine` and `LocalEngine` can. */
export interface MeasuredEngine extends Engine {
  stats?(): EngineStats | Promise<EngineStats>;
  routing?(ids: readonly number[], request?: RoutingRequest): Promise<readonly LayerRouting[] | undefined>;
  /** Why no more requests are taken. */
  readonly failure?: OssiaError | undefined;
}

/** A model that is ready to talk. Turns may run side by side; none changes another's tokens. */
export class LoadedModel {
  readonly name: string;
  readonly info: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly #engine: MeasuredEngine;
  readonly #rules = new TurnRules();
  readonly #turnParams: Pick<GenerateParams, 'stopIds' | 'penaltyExempt'>;

  /** `engine`: whatever continues the ids of `tokenizer`; the model closes it. */
  constructor(engine: MeasuredEngine, tokenizer: Tokenizer, info: ModelInfo) {
    this.#engine = engine;
    this.tokenizer = tokenizer;
    this.name = info.name;
    this.info = info;
    const { config, defaults } = info;
    const isId = (id: number) => id < config.vocabSize; // the tokenizer may name one more than there are logits
    const endOfMessage = tokenizer.specials.get('<|end|>'); // some models list it as an end, and a turn goes on after it
    const ends = [...stopIds(tokenizer), ...(defaults.stopIds ?? [])];
    this.#turnParams = {
      stopIds: [...new Set(ends)].filter((id) => isId(id) && id !== endOfMessage),
      penaltyExempt: [...tokenizer.specials.values()].filter(isId),
    };
  }

  /**
   * One turn of the assistant after a history (or after one message of the user): events as they come, ending with `end`.
   * Errors reach the reader: `harmony/bad-conversation`, `harmony/bad-constraint`, `grammar/unsupported-schema`,
   * `chat/context-exceeded`, `engine/…`, `model/not-finite`.
   */
  async *chat(
    history: string | readonly ChatMessage[],
    options: ChatOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const {
      tools = [],
      builtins = [],
      stop = [],
      signal,
      answerNow,
      client,
      maxReasoningTokens,
      loopDetection,
    } = options;
    const { prompt, truncated } = fitContext(asHistory(history), options, this);
    const left = this.info.contextLength - prompt.length;
    const { constraint, notes } = this.#rules.of(options, left);
    yield* runTurn({
      engine: this.#engine,
      tokenizer: this.tokenizer,
      prompt,
      params: { ...samplingOf(options), ...this.#turnParams, ...(constraint === undefined ? {} : { constraint }) },
      notes,
      tools,
      builtins,
      stop: typeof stop === 'string' ? [stop] : stop,
      signal,
      answerNow,
      thoughts: { maxReasoningTokens, loopDetection },
      client,
      truncated,
    });
  }

  /** Continues token ids, with no conversation around them. Default end: the model's own. */
  generate(
    ids: readonly number[],
    params: GenerateParams = {},
    options: SubmitOptions = {},
  ): AsyncIterable<GenerateEvent> {
    return this.#engine.submit(ids, params, options);
  }

  /** The ids of this history as the model would read it: those that `chat` sends, unless it leaves turns out. */
  render(history: string | readonly ChatMessage[], options: ChatOptions = {}): number[] {
    const conversation = toConversation(asHistory(history), options);
    return render(conversation, this.tokenizer, { history: options.history ?? 'per-turn' });
  }

  /** Prompt tokens of a history, all that is put around it included. */
  countTokens(history: string | readonly ChatMessage[], options: ChatOptions = {}): number {
    return this.render(history, options).length;
  }

  /** What the engine is doing and has done; undefined for one that does not count. */
  async stats(): Promise<EngineStats | undefined> {
    return await this.#engine.stats?.();
  }

  /**
   * Which experts compute these ids, per layer, from position `from` on: with the same bits as when they were sampled. Computed anew
   * beside the turns, in pieces between their steps; undefined for an engine that has none to tell of. Rejects with
   * `engine/bad-parameter`, `engine/context-full`, `engine/queue-full`, `engine/closed`, or the reason of the signal.
   */
  async routing(ids: readonly number[], request: RoutingRequest = {}): Promise<readonly LayerRouting[] | undefined> {
    return await this.#engine.routing?.(ids, request);
  }

  /** Why it can no longer be used: `engine/closed` or `engine/crashed`. Undefined while it works. */
  get failure(): OssiaError | undefined {
    return this.#engine.failure;
  }

  /** Cancels what runs, frees the model and ends its thread. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function asHistory(history: string | readonly ChatMessage[]): readonly ChatMessage[] {
  return typeof history === 'string' ? [{ role: 'user', content: history }] : history;
}

/** The options that the engine never sees as such. */
const chatOnly: Readonly<Record<Exclude<keyof ChatOptions, keyof GenerateParams>, true>> = {
  ...{ tools: true, builtins: true, effort: true, identity: true, date: true, knowledgeCutoff: true, history: true },
  ...{ responseFormat: true, toolChoice: true, maxReasoningTokens: true, reserve: true, loopDetection: true },
  ...{ ignoreEnd: true, truncation: true, constrain: true, stop: true, signal: true, answerNow: true, client: true },
};

/** The rest: what the engine does not know of it, it refuses by name. */
function samplingOf(options: ChatOptions): GenerateParams {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(chatOnly, name)));
}
