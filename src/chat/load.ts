import { OssiaError } from '../base/index.ts';
import { type ResolveOptions, resolveModel } from '../checkpoint/index.ts';
import {
  type EngineOptions,
  type GenerateEvent,
  type GenerateParams,
  startEngine,
  type WorkerEngine,
} from '../engine/index.ts';
import { render, stopIds } from '../harmony/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { constraintsModule } from './constraints.ts';
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

/** A model that is ready to talk. Turns may run side by side; none changes another's tokens. */
export class LoadedModel {
  readonly name: string;
  readonly info: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly #engine: WorkerEngine;
  readonly #rules = new TurnRules();
  readonly #turnParams: Pick<GenerateParams, 'stopIds' | 'penaltyExempt'>;

  constructor(engine: WorkerEngine, tokenizer: Tokenizer, info: ModelInfo) {
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
   * Errors reach the reader: `harmony/bad-conversation`, `harmony/bad-constraint`, `grammar/unsupported-schema`, `engine/…`,
   * `model/not-finite`.
   */
  async *chat(
    history: string | readonly ChatMessage[],
    options: ChatOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    const { tools = [], stop = [], signal, effort: _e, identity: _i, date: _d, ...rest } = options;
    const { knowledgeCutoff: _k, responseFormat: _r, history: _h, constrain: _c, ...others } = rest;
    const { toolChoice: _t, maxReasoningTokens: _m, ...sampling } = others;
    const prompt = this.render(history, options);
    const { constraint, notes } = this.#rules.of(options);
    yield* runTurn({
      engine: this.#engine,
      tokenizer: this.tokenizer,
      prompt,
      params: { ...sampling, ...this.#turnParams, ...(constraint === undefined ? {} : { constraint }) },
      notes,
      tools,
      stop: typeof stop === 'string' ? [stop] : stop,
      signal,
    });
  }

  /** Continues token ids, with no conversation around them. Default end: the model's own. */
  generate(
    ids: readonly number[],
    params: GenerateParams = {},
    options: { signal?: AbortSignal } = {},
  ): AsyncIterable<GenerateEvent> {
    return this.#engine.submit(ids, params, options);
  }

  /** The ids that `chat` would send to the model. */
  render(history: string | readonly ChatMessage[], options: ChatOptions = {}): number[] {
    const messages: readonly ChatMessage[] =
      typeof history === 'string' ? [{ role: 'user', content: history }] : history;
    return render(toConversation(messages, options), this.tokenizer, { history: options.history ?? 'per-turn' });
  }

  /** Cancels what runs, frees the model and ends its thread. */
  async close(): Promise<void> {
    await this.#engine.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
