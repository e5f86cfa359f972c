import { Worker } from 'node:worker_threads';
import { type FetchedPage, type Page, PageError } from './page.ts';
import type { ReadReply, ReadRequest } from './page-worker.ts';

/** Reads pages on a thread of its own, one page after another, each within a limit. */
export class PageReader {
  readonly #limitMs: number;
  #worker: Worker | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  /** `limitMs`: milliseconds for one page. */
  constructor(limitMs = 5_000) {
    this.#limitMs = limitMs;
  }

  /**
   * Makes a page of what stands at an address; with `asSource` its bytes as text, whatever they mean. Rejects with a PageError when
   * it cannot be read, or not in time.
   */
  read(fetched: FetchedPage, asSource = false): Promise<Page> {
    const page = this.#last.then(() => this.#readNow({ fetched, asSource }));
    this.#last = page.catch(() => {});
    return page;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  async #readNow(request: ReadRequest): Promise<Page> {
    if (this.#closed) throw new PageError('The browser was closed');
    this.#worker ??= startWorker();
    const worker = this.#worker;
    worker.ref();
    const reply = await this.#ask(worker, request);
    worker.unref(); // it keeps no program alive
    if (reply === undefined || typeof reply === 'string') {
      this.#worker = undefined;
      await worker.terminate();
      const why = reply ?? `it took longer than ${this.#limitMs / 1000} s`;
      throw new PageError(`The page is too large or too entangled to be read: ${why}`);
    }
    if ('error' in reply) throw new PageError(reply.error);
    return reply.page;
  }

  /** Undefined when there is no reply in time, a text when the thread ended. */
  #ask(worker: Worker, request: ReadRequest): Promise<ReadReply | string | undefined> {
    return new Promise((resolve) => {
      const finish = (reply: ReadReply | string | undefined) => {
        clearTimeout(limit);
        worker.off('message', finish).off('error', onError).off('exit', onExit);
        resolve(reply);
      };
      const onError = (error: unknown) => finish(error instanceof Error ? error.message : String(error));
      const onExit = () => finish('its thread ended');
      const limit = setTimeout(finish, this.#limitMs, undefined);
      worker.on('message', finish).on('error', onError).on('exit', onExit);
      worker.postMessage(request);
    });
  }
}

function startWorker(): Worker {
  // In the repository this file is TypeScript, which Node runs as it is; in the package both are JavaScript.
  const typescript = import.meta.url.endsWith('.ts');
  const worker = new Worker(new URL(typescript ? './page-worker.ts' : './page-worker.js', import.meta.url), {
    env: {},
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  worker.on('error', () => {}); // whoever waits for it learns it
  return worker;
}
