import { OssiaError } from '../../base/index.ts';
import type { ChatOptions } from '../../chat/index.ts';
import { json, type Reply, type SseEvent } from '../reply.ts';
import { badRequest } from '../validate.ts';
import { Background } from './background.ts';
import type { StreamEvent } from './events.ts';
import type { HostedTools } from './hosted/tools.ts';
import { readInput } from './input.ts';
import { newResponse } from './new-response.ts';
import { promptOptions, turnOptions } from './options.ts';
import { type PageOptions, pageOf } from './page.ts';
import { itemsOf, responsesBefore } from './past.ts';
import { type Caller, Performer, type PerformerOptions, type Plan } from './performer.ts';
import { Recorder } from './recorder.ts';
import type { CreateBody, PromptBody } from './schema.ts';
import { SealedThoughts } from './sealed-thoughts.ts';
import type { StoredResponse } from './store.ts';
import { Toolbox } from './tools.ts';

export type ResponsesOptions = Pick<PerformerOptions, 'host' | 'turns' | 'store'> &
  Partial<Pick<PerformerOptions, 'report' | 'tools'>>;

/** How long a background request waits for what would be wrong with it, before it is answered. */
const PATIENCE_MS = 300;

/** OpenAI's Responses: makes them, keeps them, goes on from them. Rejects where an error status has to be sent. */
export class Responses {
  readonly #options: PerformerOptions;
  readonly #performer: Performer;
  readonly #background = new Background();

  constructor(options: ResponsesOptions) {
    this.#options = { report: () => {}, ...options, thoughts: new SealedThoughts(options.store.secret) };
    this.#performer = new Performer(this.#options);
  }

  /** `POST /v1/responses`. What goes wrong once a stream has begun is its last event, `response.failed`. */
  async create(body: CreateBody, caller: Caller): Promise<Reply> {
    const plan = this.#plan(body);
    turnOptions(body, plan.toolbox); // what is wrong here is said before a model is loaded
    if (body.background) return this.#createInBackground(plan, caller);
    const lease = await this.#performer.lend(body.model, caller.signal);
    const recorder = new Recorder(newResponse(body, lease.name), plan);
    const events = await this.#performer.perform(plan, lease, recorder, caller);
    if (body.stream) return sse(events);
    for await (const _ of events); // each is in the recorder
    if (recorder.failure !== undefined) throw recorder.failure;
    return json(recorder.response);
  }

  /** `GET /v1/responses/{id}`. */
  retrieve(id: string): Reply {
    return json(this.#stored(id).response);
  }

  /** `GET /v1/responses/{id}?stream=true`: the events of a background response behind one, those to come included. */
  resume(id: string, startingAfter = -1): Reply {
    const { response } = this.#stored(id);
    const log = this.#background.log(id);
    if (log) return sse(log.after(startingAfter));
    const events = this.#options.store.events(id);
    if (events) return sse(only(events.filter(({ sequence_number }) => sequence_number > startingAfter)));
    if (!response.background) throw badRequest('stream: only the events of background responses are kept', 'stream');
    // It ended with the server that ran it.
    const numbered = { sequence_number: startingAfter + 1 };
    const created = { type: 'response.created', response, sequence_number: 0 } as const;
    const failed = { type: 'response.failed', response } as const;
    if (startingAfter >= 0) return sse(only([{ ...failed, ...numbered }]));
    return sse(only([created, { ...failed, sequence_number: 1 }]));
  }

  /** `POST /v1/responses/{id}/cancel`. */
  async cancel(id: string): Promise<Reply> {
    if (!this.#stored(id).response.background) {
      throw badRequest('Only background responses can be cancelled: to end another, close its connection');
    }
    await this.#background.cancel(id);
    return this.retrieve(id);
  }

  /** `DELETE /v1/responses/{id}`. */
  async delete(id: string): Promise<Reply> {
    this.#stored(id);
    await this.#background.cancel(id);
    this.#options.store.delete(id);
    return json({ id, object: 'response', deleted: true });
  }

  /** `GET /v1/responses/{id}/input_items`: all that the model saw before it answered, the newest first. */
  inputItems(id: string, page: PageOptions = {}): Reply {
    const { response, input } = this.#stored(id);
    const before = responsesBefore(this.#options.store, response.previous_response_id).flatMap(itemsOf);
    return json(pageOf([...before.map(({ item }) => item), ...input], page));
  }

  /** `POST /v1/responses/input_tokens`: what a request would be charged with, to the token. */
  async countTokens(body: PromptBody, caller: Caller): Promise<Reply> {
    const plan = this.#plan(body);
    const given = promptOptions(body, plan.toolbox);
    const lease = await this.#performer.lend(body.model, caller.signal);
    let hosted: HostedTools | undefined;
    try {
      hosted = await this.#performer.openHosted(plan, given, caller.signal);
      const { messages, options } = this.#performer.conversation(plan, lease, given, hosted);
      const told = hosted.isEmpty ? options : { ...options, ...promptOf(hosted) };
      const input_tokens = this.#options.turns.countTokens(lease.model, messages, told);
      return json({ object: 'response.input_tokens', input_tokens });
    } finally {
      lease.release();
      await hosted?.close();
    }
  }

  /** Before the store is closed: ends what runs in the background, and resolves once that is written down. */
  async close(): Promise<void> {
    await this.#background.close();
  }

  async #createInBackground(plan: Plan, { client }: Caller): Promise<Reply> {
    const { store, report } = this.#options;
    const { length } = JSON.stringify(plan.body);
    this.#background.checkRoom(length);
    const leaving = new AbortController();
    const lending = this.#performer.lend(plan.body.model, leaving.signal);
    const early = await Promise.race([lending, later(PATIENCE_MS)]); // an unknown model is refused at once
    const recorder = new Recorder(newResponse(plan.body, early?.name ?? plan.body.model ?? 'default'), plan);
    const { id } = recorder.response;
    const first = [recorder.created(), recorder.queued()];
    try {
      store.insert(recorder.stored);
    } catch (error) {
      lending.then((lease) => lease.release()).catch(() => {});
      throw error;
    }
    const log = this.#background.start(id, length, async (events, signal) => {
      const stop = () => {
        leaving.abort();
        if (signal.reason instanceof OssiaError) recorder.interrupt(signal.reason);
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      try {
        const lease = await lending;
        if (signal.aborted) lease.release();
        signal.throwIfAborted();
        const playing = await this.#performer.perform(plan, lease, recorder, { client, signal }, events);
        for await (const event of playing) events.append(event);
      } catch (error) {
        if (!signal.aborted) report(error, id);
        const last = signal.aborted ? recorder.finish() : recorder.fail(error);
        events.append(this.#performer.settle(recorder, last, events));
      }
    });
    for (const event of first) log.append(event);
    return plan.body.stream ? sse(log.after(-1)) : json(recorder.response);
  }

  #plan<Body extends PromptBody>(body: Body): Plan<Body> {
    return {
      body,
      toolbox: new Toolbox(body.tools, this.#options.tools),
      before: responsesBefore(this.#options.store, body.previous_response_id),
      input: readInput(body.input),
    };
  }

  #stored(id: string): StoredResponse {
    const stored = this.#options.store.get(id);
    if (!stored) throw new OssiaError('api/not-found', `Response with id '${id}' not found`);
    return stored;
  }
}

/** What the model is told of the tools that run here, beside the client's own. */
function promptOf({ declared: { declarations, builtins } }: HostedTools): Pick<ChatOptions, 'tools' | 'builtins'> {
  return { ...(declarations.length === 0 ? {} : { tools: declarations }), builtins };
}

function sse(events: AsyncIterable<StreamEvent>): Reply {
  return { type: 'sse', events: named(events) };
}

/** A reader who leaves is passed on to the events, also before the first of them. */
function named(events: AsyncIterable<StreamEvent>): AsyncIterableIterator<SseEvent> {
  const iterator = events[Symbol.asyncIterator]();
  return {
    async next() {
      const { done, value } = await iterator.next();
      return done ? { done, value: undefined } : { done: false, value: { event: value.type, data: value } };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

async function* only(events: readonly StreamEvent[]): AsyncGenerator<StreamEvent, void, undefined> {
  yield* events;
}

function later(ms: number): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(undefined), ms).unref();
  });
}
