import { randomUUID } from 'node:crypto';
import {
  type ActEvent,
  type ActOptions,
  type Approval,
  act,
  type ChatEvent,
  type ChatMessage,
  type ChatOptions,
  type ContinueOptions,
  continueText,
  type LoadedModel,
  type TurnMemory,
} from '../chat/index.ts';

/** Who asks for a turn, and under what id it can be spoken to while it runs. */
export interface TurnRequest {
  /** The id that the response bears: `resp_…`, `chatcmpl-…`. */
  readonly id: string;
  readonly api: 'responses' | 'chat' | 'completions' | 'ollama' | 'anthropic' | 'console' | 'mcp';
  /** For fairness: a key's name, or an address. */
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
  /** Milliseconds that the request waited for its model. */
  readonly loadMs?: number;
}

/** Sees every turn of every format: what metrics and logs are made of. Never sees a request's text but as events. */
export interface TurnObserver {
  /** Called as the turn is handed to the engine; what it returns is told of every event, and of how it ended. */
  begin(
    turn: TurnRequest,
    model: LoadedModel,
  ): {
    event(event: ChatEvent): void;
    fail(error: unknown): void;
    /** Comes last, always; without an end or an error before it, whoever read the turn has left it. */
    over?(): void;
  };
}

export interface TurnsOptions {
  readonly memory: TurnMemory;
  readonly observer?: TurnObserver;
  /** How long a turn may wait for its first event before its stream begins, in ms. Default 300. */
  readonly patienceMs?: number;
  /** `false`: the model may write malformed turns, which are then repaired or refused as far as each format can. For research. */
  readonly constrain?: boolean;
}

/**
 * What a turn may carry out by itself. Calls that need approval wait for `approve`, unless `approve` is given here: then it is
 * asked instead.
 */
export type Acting = Omit<ActOptions, keyof ChatOptions>;

/** A call that waits for a person. */
type Asked = (approval: Approval) => void;

/** A turn that runs, and can be spoken to. */
interface Running {
  readonly hurry: AbortController;
  readonly stop: AbortController;
  readonly asked: Map<string, Asked>;
}

/** What a request has on its turn while it runs. */
type Controls = Required<Pick<ChatOptions, 'client' | 'answerNow' | 'signal'>>;

/** Runs the turns of all wire formats: one place for what clients dropped, who waits, and who is in a hurry. */
export class Turns {
  readonly #memory: TurnMemory;
  readonly #observer: TurnObserver | undefined;
  readonly #patienceMs: number;
  readonly #constrain: boolean;
  readonly #running = new Map<string, Running>();

  constructor({ memory, observer, patienceMs = 300, constrain = true }: TurnsOptions) {
    this.#memory = memory;
    this.#observer = observer;
    this.#patienceMs = patienceMs;
    this.#constrain = constrain;
  }

  /** Turns that run now. */
  get size(): number {
    return this.#running.size;
  }

  /**
   * Starts a turn. Resolves when it is accepted: with its first event, or after a short patience; so what is wrong with the
   * request (its conversation, its schemas, its length, a full queue) rejects here, while a status can still be sent. The
   * events end with `end`, or throw. With `acting` they are those of `act`: calls are carried out, and turns follow each other
   * until the model has answered; to whoever observes it is one turn.
   */
  start(
    model: LoadedModel,
    history: readonly ChatMessage[],
    options: ChatOptions,
    request: TurnRequest,
  ): Promise<AsyncIterableIterator<ChatEvent>>;
  start(
    model: LoadedModel,
    history: readonly ChatMessage[],
    options: ChatOptions,
    request: TurnRequest,
    acting: Acting | undefined,
  ): Promise<AsyncIterableIterator<ActEvent>>;
  async start(
    model: LoadedModel,
    history: readonly ChatMessage[],
    options: ChatOptions,
    request: TurnRequest,
    acting?: Acting,
  ): Promise<AsyncIterableIterator<ChatEvent | ActEvent>> {
    const restored = this.#memory.restore(model.name, history);
    const held = this.#constrain ? options : freely(options);
    return this.#begin<ChatEvent | ActEvent>(model, request, (controls, asked) => {
      if (acting === undefined) return model.chat(restored, { ...held, ...controls });
      return act(model, restored, { approve: waitFor(asked), ...acting, ...held, ...controls });
    });
  }

  /** Starts the continuation of plain token ids, as `start` starts a turn. */
  async continue(
    model: LoadedModel,
    ids: readonly number[],
    options: ContinueOptions,
    request: TurnRequest,
  ): Promise<AsyncIterableIterator<ChatEvent>> {
    return this.#begin(model, request, ({ client, signal }) =>
      continueText(model, ids, { ...options, client, signal }),
    );
  }

  async #begin<Event extends ChatEvent | ActEvent>(
    model: LoadedModel,
    request: TurnRequest,
    run: (controls: Controls, asked: Running['asked']) => AsyncIterable<Event>,
  ): Promise<AsyncIterableIterator<Event>> {
    const control: Running = { hurry: new AbortController(), stop: new AbortController(), asked: new Map() };
    const seen = this.#observer?.begin(request, model);
    const controls = {
      client: request.client,
      answerNow: control.hurry.signal,
      signal: AbortSignal.any([request.signal, control.stop.signal]),
    };
    const events = run(controls, control.asked);
    // Of two with one id, as clients may choose it, the first is the one that can be spoken to.
    const key = this.#running.has(request.id) ? `${request.id} ${randomUUID()}` : request.id;
    this.#running.set(key, control);
    const iterator = this.#watch(events, model, key, seen);
    const first = iterator.next();
    await Promise.race([first, later(this.#patienceMs)]);
    return startingWith(first, iterator);
  }

  /** A history with what the model really wrote, where clients dropped it and it is remembered: what `start` sees to as well. */
  restore(model: LoadedModel, history: readonly ChatMessage[]): ChatMessage[] {
    return this.#memory.restore(model.name, history);
  }

  /** Prompt tokens of a turn that `start` would run: what clients dropped of the model's own words is counted as well. */
  countTokens(model: LoadedModel, history: readonly ChatMessage[], options: ChatOptions): number {
    return model.countTokens(this.#memory.restore(model.name, history), options);
  }

  /** Asks a running turn to end its thoughts and answer. False when no such turn runs. */
  answerNow(id: string): boolean {
    const turn = this.#running.get(id);
    turn?.hurry.abort();
    return turn !== undefined;
  }

  /** Ends a running turn with what there is so far. False when no such turn runs. */
  stop(id: string): boolean {
    const turn = this.#running.get(id);
    turn?.stop.abort();
    return turn !== undefined;
  }

  /** Says whether a call that waits for it may run. False when no such call waits. */
  approve(id: string, callId: string, approval: Approval): boolean {
    const answer = this.#running.get(id)?.asked.get(callId);
    answer?.(approval);
    return answer !== undefined;
  }

  /** Ends all that run, as when the server shuts down for good. */
  stopAll(): void {
    for (const { stop } of this.#running.values()) stop.abort();
  }

  async *#watch<Event extends ChatEvent | ActEvent>(
    events: AsyncIterable<Event>,
    model: LoadedModel,
    key: string,
    seen: ReturnType<TurnObserver['begin']> | undefined,
  ): AsyncGenerator<Event, void, undefined> {
    try {
      for await (const event of events) {
        const said = asChatEvent(event);
        if (said) seen?.event(said);
        if (said?.type === 'end') this.#memory.remember(model.name, said.messages);
        yield event;
      }
    } catch (error) {
      seen?.fail(error);
      throw error;
    } finally {
      this.#running.delete(key);
      seen?.over?.();
    }
  }
}

/** Without the constraint. The reserve goes, because formats set one by themselves; what else cannot be held is refused by the turn. */
function freely({ reserve: _, ...options }: ChatOptions): ChatOptions {
  return { ...options, constrain: false };
}

/** What of acting is as it would be in one turn. */
function asChatEvent(event: ChatEvent | ActEvent): ChatEvent | undefined {
  switch (event.type) {
    case 'approval':
    case 'tool_start':
    case 'tool_progress':
    case 'tool_end':
    case 'step':
      return undefined;
    case 'end':
      return {
        ...event,
        messages: event.messages.flatMap((message) => (message.role === 'assistant' ? [message] : [])),
      };
    default:
      return event;
  }
}

/** Asks whoever speaks to the turn by its id. */
function waitFor(asked: Running['asked']): NonNullable<ActOptions['approve']> {
  return ({ id }, signal) =>
    new Promise((resolve) => {
      const settle = (approval: Approval) => {
        asked.delete(id);
        signal.removeEventListener('abort', giveUp);
        resolve(approval);
      };
      const giveUp = () => settle({ allowed: false });
      asked.set(id, settle);
      signal.addEventListener('abort', giveUp, { once: true });
    });
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}

/** An iterator whose first result is already on its way. */
function startingWith<T>(
  first: Promise<IteratorResult<T, void>>,
  rest: AsyncGenerator<T, void, undefined>,
): AsyncIterableIterator<T> {
  first.catch(() => {}); // it is reported to whoever reads it, also when that comes later
  let pending: Promise<IteratorResult<T, void>> | undefined = first;
  return {
    next: () => {
      const next = pending ?? rest.next();
      pending = undefined;
      return next;
    },
    return: () => rest.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
