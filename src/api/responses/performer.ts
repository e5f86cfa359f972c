import type { ChatEvent, ChatMessage, ChatOptions, LoadedModel } from '../../chat/index.ts';
import { AnswerTokens } from '../answer-tokens.ts';
import type { Host, Lease } from '../host.ts';
import { withPreset } from '../preset.ts';
import type { Turns } from '../turns.ts';
import type { EventLog } from './event-log.ts';
import type { StreamEvent } from './events.ts';
import { toHistory } from './history.ts';
import type { InputItem } from './items.ts';
import { knownWithModel, summaryOf } from './new-response.ts';
import { turnOptions } from './options.ts';
import type { OutputOptions } from './output.ts';
import { forModel, itemsOf, recall } from './past.ts';
import type { Recorder } from './recorder.ts';
import type { CreateBody, PromptBody } from './schema.ts';
import type { SealedThoughts } from './sealed-thoughts.ts';
import type { ResponseStore, StoredResponse } from './store.ts';
import type { Toolbox } from './tools.ts';

/** Who asks. */
export interface Caller {
  readonly client: string;
  /** Fires when they have left, or want no more. */
  readonly signal: AbortSignal;
}

/** A request that has been read: all of it that does not depend on the model. */
export interface Plan<Body extends PromptBody = CreateBody> {
  readonly body: Body;
  readonly toolbox: Toolbox;
  readonly before: readonly StoredResponse[];
  readonly input: readonly InputItem[];
}

export interface PerformerOptions {
  readonly host: Host;
  readonly turns: Turns;
  readonly store: ResponseStore;
  readonly thoughts: SealedThoughts;
  /** Told of what goes wrong where nobody can be told otherwise. */
  readonly report: (error: unknown, id: string) => void;
}

/** A response that has a model, and whose turn was accepted. */
interface Performance {
  readonly recorder: Recorder;
  readonly lease: Lease;
  readonly turn: AsyncIterableIterator<ChatEvent>;
  readonly output: OutputOptions;
  readonly known: ReturnType<typeof knownWithModel>;
  /** Where the events of a background response are kept. */
  readonly log?: EventLog;
}

/** Carries one response out: lends a model, runs the turn, writes down what comes, and leaves nothing behind. */
export class Performer {
  readonly #options: PerformerOptions;

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  lend(name: string | null | undefined, signal: AbortSignal): Promise<Lease> {
    return this.#options.host.lend(name ?? undefined, { signal });
  }

  /**
   * Starts a response on a lent model. Rejects (and gives the model back) while the turn is not accepted. The events have to be
   * read to their end, or returned.
   */
  async perform(
    plan: Plan,
    lease: Lease,
    recorder: Recorder,
    { client, signal }: Caller,
    log?: EventLog,
  ): Promise<AsyncIterableIterator<StreamEvent>> {
    const { turns, store } = this.#options;
    const { model, name, loadMs } = lease;
    const { id } = recorder.response;
    let turn: AsyncIterableIterator<ChatEvent> | undefined;
    try {
      const { messages, options } = this.conversation(plan, lease, turnOptions(plan.body, plan.toolbox));
      turn = await turns.start(model, messages, options, { id, api: 'responses', client, signal, loadMs });
      const known = knownWithModel(name, options, model.info.defaults);
      const output = this.#outputOptions(plan, model, options);
      const performance = { recorder, lease, turn, output, known, ...(log === undefined ? {} : { log }) };
      recorder.begin(model.name, output, known);
      if (log !== undefined) store.update(recorder.stored);
      else if (recorder.response.store) store.insert(recorder.stored);
      return finallyDoing(this.#play(performance), () => {
        lease.release();
        leave(performance.turn);
        if (!recorder.isSettled) this.settle(recorder, recorder.finish(), log); // the reader has left
      });
    } catch (error) {
      lease.release();
      if (turn) leave(turn);
      throw error;
    }
  }

  /** The whole conversation of a request, as a model sees it. */
  conversation<Options extends ChatOptions>(
    { body, before, input }: Plan<PromptBody>,
    lease: Lease,
    options: Options,
  ): { readonly messages: readonly ChatMessage[]; readonly options: Options } {
    const { model } = lease;
    const past = before.flatMap(itemsOf).map((item) => forModel(item, model));
    const items = [...past, ...recall(input, this.#options, model)];
    const restore = (message: ChatMessage) => this.#options.turns.restore(model, [message])[0] ?? message;
    return withPreset(lease, toHistory(items, body.instructions, restore), options);
  }

  async *#play(performance: Performance): AsyncGenerator<StreamEvent, void, undefined> {
    const { recorder, turn, log } = performance;
    if (log === undefined) yield recorder.created();
    yield recorder.inProgress();
    let last: StreamEvent;
    try {
      for await (const event of turn) yield* recorder.push(event);
      last = recorder.finish();
      this.#save(performance, last);
    } catch (error) {
      this.#options.report(error, recorder.response.id);
      last = this.settle(recorder, recorder.fail(error), log);
    }
    yield last;
  }

  /** Writes down that a response has ended, before `last` is sent. That it cannot is reported, and no reason not to end. */
  settle(recorder: Recorder, last: StreamEvent, log?: EventLog): StreamEvent {
    try {
      this.#save({ recorder, ...(log === undefined ? {} : { log }) }, last);
    } catch (error) {
      this.#options.report(error, recorder.response.id);
    }
    return last;
  }

  #save({ recorder, log }: Pick<Performance, 'recorder' | 'log'>, last: StreamEvent): void {
    if (!recorder.response.store) return;
    this.#options.store.update(recorder.stored, log && [...log.events, last]);
  }

  #outputOptions({ body, toolbox }: Plan, { name, tokenizer }: LoadedModel, options: ChatOptions): OutputOptions {
    const seals = body.include?.includes('reasoning.encrypted_content');
    return {
      toolbox,
      summarizes: summaryOf(body) !== null,
      isStreamed: Boolean(body.stream || body.background),
      ...(seals ? { seal: (ids: readonly number[]) => this.#options.thoughts.seal(name, ids) } : {}),
      ...(options.topLogprobs === undefined ? {} : { logprobs: new AnswerTokens(tokenizer) }),
    };
  }
}

/** Ends a turn. What went wrong with it has been told already, or nobody is left to be told. */
function leave(turn: AsyncIterableIterator<ChatEvent>): void {
  turn.return?.().catch(() => {});
}

/** An iterator that cleans up once it is over, also when it is returned before its first `next`. */
function finallyDoing<T>(items: AsyncGenerator<T, void, undefined>, cleanUp: () => void): AsyncIterableIterator<T> {
  let isOver = false;
  const over = () => {
    if (!isOver) cleanUp();
    isOver = true;
  };
  return {
    async next() {
      try {
        const result = await items.next();
        if (result.done) over();
        return result;
      } catch (error) {
        over();
        throw error;
      }
    },
    async return() {
      try {
        return await items.return();
      } finally {
        over();
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
