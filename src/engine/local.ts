import { OssiaError } from '../base/index.ts';
import type { LayerRouting } from '../model/index.ts';
import { Background } from './background.ts';
import type { Constraint, ConstraintFactory } from './constraint.ts';
import type { SchedulerOptions } from './limits.ts';
import { checkIds, resolveParams } from './params.ts';
import type { RoutingRequest, Runner } from './runner.ts';
import { Scheduler } from './scheduler.ts';
import { onAbort } from './signals.ts';
import { checkSpeculate } from './speculation.ts';
import type { EngineStats } from './stats.ts';
import { EventStream } from './stream.ts';
import type { Engine, GenerateEvent, GenerateParams, SubmitOptions } from './types.ts';

export interface LocalEngineOptions extends SchedulerOptions {
  /** What stands where a caller gives no parameter: the model's `generation_config.json`. */
  readonly defaults?: GenerateParams;
  /** Makes constraints of `params.constraint`. Default: requests that bring one are refused. */
  readonly makeConstraint?: ConstraintFactory | undefined;
}

export interface LocalSubmitOptions extends SubmitOptions {
  /** Which tokens may come, in place of `params.constraint`; it cannot cross to another thread, so only this engine takes it. */
  readonly constraint?: Constraint;
}

/** The engine in this thread: checks requests and hands them to a scheduler. */
export class LocalEngine implements Engine {
  readonly #runner: Runner;
  readonly #scheduler: Scheduler;
  readonly #defaults: GenerateParams;
  readonly #makeConstraint: ConstraintFactory | undefined;
  readonly #background = new Background();
  #closed = false;

  constructor(runner: Runner, options: LocalEngineOptions = {}) {
    checkSpeculate(options.speculate);
    this.#runner = runner;
    this.#scheduler = new Scheduler(runner, options);
    this.#defaults = options.defaults ?? {};
    this.#makeConstraint = options.makeConstraint;
  }

  get load(): Scheduler['load'] {
    return this.#scheduler.load;
  }

  /** What it is doing and has done. */
  stats(): EngineStats {
    return this.#scheduler.stats();
  }

  /** See `Engine.submit`. Throws, at the first read: `engine/bad-parameter`, `engine/context-full`, `engine/queue-full`, `engine/closed`. */
  submit(
    ids: readonly number[],
    params: GenerateParams = {},
    options: LocalSubmitOptions = {},
  ): AsyncIterable<GenerateEvent> {
    let cancel = () => {};
    let hasten = () => {};
    const stream = new EventStream<GenerateEvent>(() => cancel());
    const { signal, hurry, client } = options;
    try {
      const resolved = resolveParams(params, this.#defaults, this.#runner.vocabSize);
      const limit = this.#checkPrompt(ids, resolved.maxTokens);
      const settle = () => {
        signal?.removeEventListener('abort', cancel);
        hurry?.removeEventListener('abort', hasten);
        stream.close();
      };
      const sink = {
        emit: (event: GenerateEvent) => {
          stream.push(event);
          if (event.type === 'end') settle();
        },
        fail: (error: unknown) => {
          stream.fail(error);
          settle();
        },
      };
      const constraint = options.constraint ?? this.#constraintOf(params);
      const generation = this.#scheduler.add({ prompt: ids, params: resolved, limit, sink, constraint, client });
      cancel = () => this.#scheduler.cancel(generation);
      hasten = () => generation.hurry();
      onAbort(hurry, hasten);
      onAbort(signal, cancel);
    } catch (error) {
      stream.fail(error);
    }
    return stream;
  }

  /**
   * Which experts compute these ids, per layer, from position `from` on: computed anew, in pieces between the steps of what runs.
   * Undefined where the runner has none. Rejects with `engine/bad-parameter`, `engine/context-full`, `engine/queue-full`,
   * `engine/closed`, and with the reason of the signal once that has fired.
   */
  async routing(
    ids: readonly number[],
    { from = 0, signal }: RoutingRequest = {},
  ): Promise<LayerRouting[] | undefined> {
    if (this.#closed) throw new OssiaError('engine/closed', 'Cannot compute: the engine was closed');
    const { vocabSize, contextLength } = this.#runner;
    checkIds('ids', ids, vocabSize);
    if (!Number.isInteger(from) || from < 0 || from > ids.length) {
      const found = `Expected from to be an integer from 0 to ${ids.length}, got ${from}`;
      throw new OssiaError('engine/bad-parameter', found, { details: { parameter: 'from' } });
    }
    if (ids.length > contextLength) {
      const found = `Cannot run ${ids.length} tokens: the context holds ${contextLength}`;
      throw new OssiaError('engine/context-full', found);
    }
    return await this.#background.run(async (signal) => this.#runner.routing?.(ids, { from, signal }), signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([this.#scheduler.close(), this.#background.close()]);
  }

  #constraintOf({ constraint: spec }: GenerateParams): Constraint | undefined {
    if (spec === undefined) return undefined;
    if (this.#makeConstraint) return this.#makeConstraint(spec);
    throw new OssiaError(
      'engine/bad-parameter',
      'Cannot hold a constraint: the engine was opened without `constraints`',
      {
        details: { parameter: 'constraint' },
      },
    );
  }

  /** How many tokens may follow this prompt. */
  #checkPrompt(ids: readonly number[], maxTokens: number | undefined): number {
    if (this.#closed) throw new OssiaError('engine/closed', 'Cannot generate: the engine was closed');
    const { vocabSize, contextLength, capacity, blockSize } = this.#runner;
    checkIds('ids', ids, vocabSize);
    if (ids.length === 0)
      throw new OssiaError('engine/bad-parameter', 'Expected ids to hold at least one token, got none');
    const context = Math.min(contextLength, capacity * blockSize);
    if (ids.length >= context) {
      throw new OssiaError(
        'engine/context-full',
        `Cannot generate after a prompt of ${ids.length} tokens: the context holds ${context}, its answer included`,
        { details: { promptTokens: ids.length, contextLength: context } },
      );
    }
    return Math.min(maxTokens ?? Number.POSITIVE_INFINITY, context - ids.length);
  }
}
