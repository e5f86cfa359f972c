import { Worker } from 'node:worker_threads';
import { OssiaError } from '../base/index.ts';
import type { LayerRouting } from '../model/index.ts';
import { type FromWorker, fromWire, type ToWorker } from './messages.ts';
import type { EngineInfo, EngineOptions } from './open.ts';
import { checkIds, checkParams } from './params.ts';
import type { RoutingRequest } from './runner.ts';
import { onAbort } from './signals.ts';
import type { EngineStats } from './stats.ts';
import { EventStream } from './stream.ts';
import type { Engine, GenerateEvent, GenerateParams, SubmitOptions } from './types.ts';

/**
 * Starts an engine on a thread of its own, so that the caller's thread never waits for arithmetic. Rejects with what kept
 * the model from opening: `checkpoint/…`, `backend/unavailable`, `engine/bad-parameter`.
 */
export async function startEngine(options: EngineOptions): Promise<WorkerEngine> {
  // In the repository this file is TypeScript, which Node runs as it is; in the package both are JavaScript.
  const typescript = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(typescript ? './worker.ts' : './worker.js', import.meta.url), {
    workerData: options,
    execArgv: [], // flags such as --input-type are the main program's own
  });
  return WorkerEngine.connect(worker);
}

interface Pending {
  readonly stream: EventStream<GenerateEvent>;
  /** Forgets the request and its signal. */
  readonly settle: () => void;
}

/** Somebody who waits for an answer. */
interface Asked<T> {
  readonly resolve: (answer: T) => void;
  readonly reject: (error: unknown) => void;
}

/** The caller's end of an engine that runs elsewhere. */
export class WorkerEngine implements Engine {
  readonly info: EngineInfo;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #asked = new Map<number, Asked<EngineStats>>();
  readonly #routed = new Map<number, Asked<readonly LayerRouting[] | undefined>>();
  readonly #exited: Promise<void>;
  #nextKey = 0;
  /** Why no more requests are taken. */
  #over: OssiaError | undefined;

  private constructor(worker: Worker, info: EngineInfo) {
    this.#worker = worker;
    this.info = info;
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('messageerror', (error: unknown) => this.#crash(error));
    worker.on('error', (error: unknown) => this.#crash(error));
    this.#exited = new Promise((resolve) => {
      worker.on('exit', (status: number) => {
        this.#crash(new Error(`the thread ended with status ${status}`));
        resolve();
      });
    });
    worker.unref(); // an engine without work keeps no program alive
  }

  /** Waits until a worker (worker.ts, or one that speaks like it) has opened its model. */
  static async connect(worker: Worker): Promise<WorkerEngine> {
    try {
      const message = await firstMessage(worker);
      if (message.type === 'ready') return new WorkerEngine(worker, message.info);
      throw message.type === 'failed' ? fromWire(message.error) : new TypeError(`Expected ready, got ${message.type}`);
    } catch (error) {
      await worker.terminate();
      throw error;
    }
  }

  /** Why no more requests are taken: `engine/closed` or `engine/crashed`. Undefined while it works. */
  get failure(): OssiaError | undefined {
    return this.#over;
  }

  submit(
    ids: readonly number[],
    params: GenerateParams = {},
    { signal, client, hurry }: SubmitOptions = {},
  ): AsyncIterable<GenerateEvent> {
    const key = this.#nextKey++;
    const cancel = () => this.#send({ type: 'cancel', key });
    const hasten = () => this.#send({ type: 'hurry', key });
    const stream = new EventStream<GenerateEvent>(() => {
      cancel();
      this.#pending.get(key)?.settle();
    });
    try {
      if (this.#over) throw this.#over;
      const { vocabSize } = this.info.config;
      checkParams(params, vocabSize); // here, because what is wrong may not survive the journey
      checkIds('ids', ids, vocabSize);
      const settle = () => {
        signal?.removeEventListener('abort', cancel);
        hurry?.removeEventListener('abort', hasten);
        this.#pending.delete(key);
        this.#rest();
      };
      this.#worker.ref();
      this.#pending.set(key, { stream, settle });
      this.#send({ type: 'submit', key, ids: Int32Array.from(ids), params, client });
      onAbort(hurry, hasten);
      onAbort(signal, cancel);
    } catch (error) {
      stream.fail(error);
    }
    return stream;
  }

  /** What the engine is doing and has done. Rejects with `engine/closed` or `engine/crashed` when it is gone. */
  async stats(): Promise<EngineStats> {
    if (this.#over) throw this.#over;
    const key = this.#nextKey++;
    this.#worker.ref();
    const answered = new Promise<EngineStats>((resolve, reject) => void this.#asked.set(key, { resolve, reject }));
    this.#send({ type: 'stats', key });
    return await answered;
  }

  /** See `LocalEngine.routing`. A signal that has fired also rejects what the engine has not answered yet. */
  async routing(
    ids: readonly number[],
    { from = 0, signal }: RoutingRequest = {},
  ): Promise<readonly LayerRouting[] | undefined> {
    if (this.#over) throw this.#over;
    checkIds('ids', ids, this.info.config.vocabSize);
    signal?.throwIfAborted();
    const key = this.#nextKey++;
    const cancel = () => {
      this.#send({ type: 'cancel', key });
      this.#routed.get(key)?.reject(signal?.reason);
    };
    this.#worker.ref();
    const answered = new Promise<readonly LayerRouting[] | undefined>(
      (resolve, reject) => void this.#routed.set(key, { resolve, reject }),
    );
    this.#send({ type: 'routing', key, ids: Int32Array.from(ids), from });
    onAbort(signal, cancel);
    try {
      return await answered;
    } finally {
      signal?.removeEventListener('abort', cancel);
      this.#routed.delete(key);
      this.#rest();
    }
  }

  /** Cancels what is running, waits for the step in flight, frees the model and ends the thread. */
  async close(): Promise<void> {
    if (!this.#over) {
      this.#over = new OssiaError('engine/closed', 'Cannot generate: the engine was closed');
      this.#worker.ref();
      this.#send({ type: 'close' });
    }
    await this.#exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #send(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  /** Without work the thread keeps no program alive; while it closes, `close` waits for it. */
  #rest(): void {
    const waits = this.#pending.size + this.#asked.size + this.#routed.size;
    if (waits === 0 && !this.#over) this.#worker.unref();
  }

  #receive(message: FromWorker): void {
    if (message.type === 'stats') {
      this.#asked.get(message.key)?.resolve(message.stats);
      this.#asked.delete(message.key);
      this.#rest();
    }
    if (message.type === 'routing') {
      const asked = this.#routed.get(message.key);
      if (message.error) asked?.reject(fromWire(message.error));
      else asked?.resolve(message.layers);
    }
    if (message.type !== 'events') return;
    for (const [key, event] of message.events) {
      const pending = this.#pending.get(key);
      if (!pending) continue; // its reader left
      if (event.type === 'error') pending.stream.fail(fromWire(event.error));
      else pending.stream.push(event);
      if (event.type === 'token') continue;
      pending.stream.close();
      pending.settle();
    }
  }

  /** The thread is gone: whoever waits learns it. After an orderly close nobody waits. */
  #crash(error: unknown): void {
    const reason = crashed('The engine stopped', error);
    this.#over ??= reason;
    for (const { reject } of [...this.#asked.values(), ...this.#routed.values()]) reject(this.#over);
    this.#asked.clear();
    for (const { stream, settle } of [...this.#pending.values()]) {
      stream.fail(reason);
      settle();
    }
  }
}

function firstMessage(worker: Worker): Promise<FromWorker> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      stopListening();
      reject(crashed('Cannot start the engine', error));
    };
    const onExit = (status: number) => fail(new Error(`the thread ended with status ${status}`));
    const onMessage = (message: FromWorker) => {
      stopListening();
      resolve(message);
    };
    // One by one: `removeAllListeners` would also remove those that a Worker needs to hear anything at all.
    const stopListening = () => worker.off('message', onMessage).off('error', fail).off('exit', onExit);
    worker.on('message', onMessage).on('error', fail).on('exit', onExit);
  });
}

function crashed(what: string, cause: unknown): OssiaError {
  const found = cause instanceof Error ? cause.message : String(cause);
  return new OssiaError('engine/crashed', `${what}: ${found}`, { cause });
}
