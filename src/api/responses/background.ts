import { OssiaError } from '../../base/index.ts';
import { EventLog } from './event-log.ts';

/** What a background response does: writes its events into the log until it is done. Never rejects. */
export type Job = (log: EventLog, signal: AbortSignal) => Promise<void>;

export interface BackgroundOptions {
  /** Responses that run at a time. Default 8. */
  readonly maxRunning?: number;
  /** Responses that wait and run. Default 1,000. */
  readonly maxResponses?: number;
  /** Of their requests together. Default 64 million. */
  readonly maxCharacters?: number;
}

interface Run {
  readonly log: EventLog;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Responses that nobody needs to wait for: a few run at a time, the others wait their turn. */
export class Background {
  readonly #runs = new Map<string, Run>();
  readonly #maxRunning: number;
  readonly #maxResponses: number;
  readonly #maxCharacters: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;
  #characters = 0;

  constructor({ maxRunning = 8, maxResponses = 1000, maxCharacters = 64_000_000 }: BackgroundOptions = {}) {
    this.#maxRunning = maxRunning;
    this.#maxResponses = maxResponses;
    this.#maxCharacters = maxCharacters;
  }

  /** Throws `engine/queue-full` when there are too many already. */
  checkRoom(characters: number): void {
    const { size } = this.#runs;
    const isRoom = size < this.#maxResponses && this.#characters + characters <= this.#maxCharacters;
    if (isRoom || size === 0) return;
    throw new OssiaError('engine/queue-full', `${size} background responses wait or run already`);
  }

  /** `characters`: of the request. */
  start(id: string, characters: number, job: Job): EventLog {
    const log = new EventLog();
    const stop = new AbortController();
    const done = this.#carryOut(job, log, stop.signal).finally(() => {
      log.end();
      this.#runs.delete(id);
      this.#characters -= characters;
    });
    this.#characters += characters;
    this.#runs.set(id, { log, stop, done });
    return log;
  }

  /** The events of a response that waits or runs. */
  log(id: string): EventLog | undefined {
    return this.#runs.get(id)?.log;
  }

  /** Ends a response; resolves once that is written down. False when it does not run. `reason`: of the signal. */
  async cancel(id: string, reason?: unknown): Promise<boolean> {
    const run = this.#runs.get(id);
    if (!run) return false;
    run.stop.abort(reason);
    await run.done;
    return true;
  }

  /** Ends all; the signal's reason is that the server is going down. */
  async close(): Promise<void> {
    const reason = new OssiaError('server/draining', 'The server stopped before this response was finished');
    await Promise.all([...this.#runs.keys()].map((id) => this.cancel(id, reason)));
  }

  async #carryOut(job: Job, log: EventLog, signal: AbortSignal): Promise<void> {
    const hasPlace = await this.#place(signal);
    try {
      await job(log, signal);
    } finally {
      if (hasPlace) this.#passOn();
    }
  }

  /** Waits for a place to run in. False for who is cancelled while waiting: all that is left of its job is to say so. */
  async #place(signal: AbortSignal): Promise<boolean> {
    if (this.#running < this.#maxRunning) {
      this.#running++;
      return true;
    }
    return await new Promise((resolve) => {
      const go = () => {
        signal.removeEventListener('abort', leave);
        resolve(true);
      };
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(go), 1);
        resolve(false);
      };
      this.#queue.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  #passOn(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running--;
  }
}
