import type { ActEnd, ActEvent, ChatEnd, ChatEvent } from '../../chat/index.ts';
import { openAiError, problemOf } from '../errors.ts';
import type { ItemEvent, LifeEvent, StreamEvent } from './events.ts';
import type { McpListToolsItem } from './hosted/items.ts';
import { Output, type OutputOptions } from './output.ts';
import { isFinished, nowSeconds, type ResponseObject, type ResponseUsage, toExtras, toUsage } from './response.ts';
import type { StoredResponse } from './store.ts';
import type { Toolbox } from './tools.ts';

/** Writes one response down as it comes about: the response itself, and the events of its stream, numbered. */
export class Recorder {
  #response: ResponseObject;
  #output: Output | undefined;
  #usage: ResponseUsage | null = null;
  #end: ChatEnd | ActEnd | undefined;
  #sequence = 0;
  #failure: unknown;
  #interruption: unknown;
  readonly #base: Pick<StoredResponse, 'input'>;
  #modelName = '';
  #notes: Toolbox['notes'] = [];

  constructor(response: ResponseObject, base: Pick<StoredResponse, 'input'>) {
    this.#response = response;
    this.#base = base;
  }

  get response(): ResponseObject {
    return this.#response;
  }

  get stored(): StoredResponse {
    const exact = this.#output?.exact ?? new Map();
    return { input: this.#base.input, response: this.#response, exact, modelName: this.#modelName };
  }

  /** What it failed by. */
  get failure(): unknown {
    return this.#failure;
  }

  get isSettled(): boolean {
    return isFinished(this.#response);
  }

  /** A model has been found for it. `known`: what is known only now. */
  begin(modelName: string, output: OutputOptions, known: Partial<ResponseObject>): void {
    this.#modelName = modelName;
    this.#output = new Output(output);
    this.#notes = output.toolbox.notes;
    this.#response = { ...this.#response, ...known, status: 'in_progress' };
  }

  /** The response is there: the first event of every stream. */
  created(): StreamEvent {
    return this.#life('created');
  }

  queued(): StreamEvent {
    return this.#life('queued');
  }

  inProgress(): StreamEvent {
    return this.#life('in_progress');
  }

  /** What MCP servers offer, before the model is asked. */
  *list(lists: readonly McpListToolsItem[]): Generator<StreamEvent> {
    for (const item of lists) {
      for (const happened of this.#output?.list(item) ?? []) yield this.#number(happened);
    }
  }

  *push(event: ChatEvent | ActEvent): Generator<StreamEvent> {
    if (event.type === 'usage') this.#usage = toUsage(event);
    if (event.type === 'end') this.#end = event;
    for (const happened of this.#output?.push(event) ?? []) yield this.#number(happened);
  }

  /** Says why the response is about to be cut short, when nobody asked for that. */
  interrupt(error: unknown): void {
    this.#interruption = error;
  }

  /** The last event, once the turn has ended: `completed`, `incomplete`, or `failed` where it was interrupted. */
  finish(): StreamEvent {
    const reason = this.#end?.reason ?? 'cancelled';
    if (reason === 'cancelled' && this.#interruption !== undefined) return this.fail(this.#interruption);
    if (reason === 'length') {
      this.#settle({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } });
    } else if (reason === 'cancelled') {
      this.#settle({ status: 'cancelled' });
    } else {
      this.#settle({ status: 'completed', completed_at: nowSeconds() });
    }
    return this.#life(this.#response.status === 'completed' ? 'completed' : 'incomplete');
  }

  /** The last event of a turn that broke: what was finished until then stays. In place of `finish`'s, where that was not sent. */
  fail(error: unknown): StreamEvent {
    if (this.isSettled) this.#sequence--;
    this.#failure = error;
    this.#settle({ status: 'failed', error: responseError(error), completed_at: null, incomplete_details: null });
    return this.#life('failed');
  }

  #settle(change: Partial<ResponseObject>): void {
    const extras = this.#end === undefined ? {} : { ossia: toExtras(this.#end, this.#notes) };
    const output = this.#output?.items ?? [];
    this.#response = { ...this.#response, output: [...output], usage: this.#usage, ...extras, ...change };
  }

  #life(happened: LifeEvent['type'] extends `response.${infer Word}` ? Word : never): StreamEvent {
    return this.#number({ type: `response.${happened}`, response: this.#response });
  }

  #number(event: LifeEvent | (ItemEvent & { readonly output_index: number })): StreamEvent {
    return { ...event, sequence_number: this.#sequence++ };
  }
}

/** What went wrong, in the codes that agents act on. */
export function responseError(error: unknown): { readonly code: string; readonly message: string } {
  const { message, retryAfterMs } = problemOf(error);
  const { code } = (openAiError(error).body as { readonly error: { readonly code: string } }).error;
  return {
    code: code === 'internal_error' ? 'server_error' : code,
    message:
      retryAfterMs === undefined ? message : `${message} Please try again in ${Math.ceil(retryAfterMs / 1000)}s.`,
  };
}
