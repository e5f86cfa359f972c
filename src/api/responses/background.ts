import { OssiaError } from '../../base/index.ts';
import { EventLog } from './event-log.ts';

/** What a background response does: writes its events into the log until it is done. Never rejects. */
export type Job = (log: EventLog, signal: AbortSignal) => Promise<void>;

interface Run {
  readonly log: EventLog;
  readonly stop: AbortController;
  readonly done: Promise<void>;
}

/** Responses that nobody needs to wait for: a few run at a time, the others wait their turn. */
export class Background {
  readonly #runs = new Map<string, Run>();
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor({ maxRunning = 8, maxWaiting = 1000 } = {}) {
    this.#maxRunning = maxRunning;
    this.#maxWaiting = maxWaiting;
  }

  /** Throws `engine/queue-full` when too many wait already. */
  checkRoom(): void {
    if (this.#queue.length < this.#maxWaiting) return;
    throw new OssiaError('engine/queue-full', `${this.#queue.length} background responses wait already`);
  }

  start(id: string, job: Job): EventLog {
    const log = new EventLog();
    const stop = new AbortController();
    const done = this.#carryOut(job, log, stop.signal).finally(() => {
      log.end();
      this.#runs.delete(id);
    });
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
