import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { OssiaError } from '../../base/index.ts';
import type { ToolImage } from '../types.ts';
import { watchMemory } from './memory-watch.ts';
import { type FromWorker, readMessage, type WorkerStart } from './messages.ts';

export interface InterpreterLimits {
  readonly timeoutMs: number;
  readonly startTimeoutMs: number;
  readonly maxMemory: number;
  readonly maxFiles: number;
  readonly maxOutput: number;
}

export interface RunOutcome {
  readonly output: string;
  /** Bytes of output that were left out. */
  readonly cut: number;
  readonly isError: boolean;
  readonly images: readonly ToolImage[];
  /** `interrupted`: it stopped when told to. `killed`: it did not. `broken`: it broke the interpreter. */
  readonly stopped?: 'interrupted' | 'killed' | 'broken';
}

/** Milliseconds that a program has to stop when it is told to. */
const graceMs = 3_000;

/** One Python, on a thread of its own. */
export class Interpreter {
  readonly #worker: Worker;
  readonly #limits: InterpreterLimits;
  readonly #interrupt = new Int32Array(new SharedArrayBuffer(4));
  readonly #ready: Promise<void>;
  #receive: (message: FromWorker) => void = () => {};
  #over = false;

  constructor(limits: InterpreterLimits) {
    this.#limits = limits;
    this.#worker = startWorker(limits, this.#interrupt.buffer);
    this.#worker.on('message', (message: unknown) => {
      const read = readMessage(message);
      if (read) this.#receive(read);
    });
    this.#worker.on('error', (error: unknown) => this.#lose(error instanceof Error ? error.message : String(error)));
    this.#worker.on('messageerror', () => this.#lose('it sent what cannot be read'));
    this.#worker.on('exit', () => this.#lose('its thread ended'));
    this.#ready = this.#started();
    this.#ready.catch(() => {}); // whoever runs something learns it
  }

  /** Whether it can run no more. */
  get over(): boolean {
    return this.#over;
  }

  /** Resolves when Python is up; rejects with `tools/no-python`. */
  get ready(): Promise<void> {
    return this.#ready;
  }

  /**
   * Runs one program; `progress` gets its output as it comes. One at a time. Rejects with the signal's reason, or with
   * `tools/no-python`.
   */
  async run(source: string, signal: AbortSignal, progress?: (text: string) => void): Promise<RunOutcome> {
    await untilAborted(this.#ready, signal);
    this.#worker.ref();
    Atomics.store(this.#interrupt, 0, 0);
    let output = '';
    let stopped: RunOutcome['stopped'];
    let late: NodeJS.Timeout | undefined;
    const stop = () => {
      stopped ??= 'interrupted';
      Atomics.store(this.#interrupt, 0, 2);
      Atomics.notify(this.#interrupt, 0);
      late ??= setTimeout(() => this.#lose('it did not stop'), graceMs);
    };
    const limit = setTimeout(stop, this.#limits.timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    const { maxMemory, maxFiles } = this.#limits;
    const unwatch = watchMemory(this.#worker, maxMemory + maxFiles, () => this.#lose('it took too much memory'));
    try {
      const end = await new Promise<FromWorker>((resolve) => {
        this.#receive = (message) => {
          if (message.type !== 'output') return resolve(message);
          if (output.length >= this.#limits.maxOutput) return;
          output += message.text;
          progress?.(message.text);
        };
        if (this.#over) resolve({ type: 'broken', message: 'it ended' });
        else this.#worker.postMessage({ type: 'run', source });
      });
      if (end.type === 'done') {
        signal.throwIfAborted();
        return { output, cut: end.cut, isError: end.isError, images: end.images, ...(stopped && { stopped }) };
      }
      await this.end();
      signal.throwIfAborted();
      return { output, cut: 0, isError: true, images: [], stopped: stopped ? 'killed' : 'broken' };
    } finally {
      clearTimeout(limit);
      clearTimeout(late);
      unwatch();
      signal.removeEventListener('abort', stop);
      this.#receive = () => {};
      this.#worker.unref(); // a resting interpreter keeps no program alive
    }
  }

  /** Ends the thread, whatever it does. */
  async end(): Promise<void> {
    this.#over = true;
    this.#receive({ type: 'broken', message: 'it was ended' });
    await this.#worker.terminate();
  }

  #lose(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#receive({ type: 'broken', message: reason });
    void this.#worker.terminate();
  }

  async #started(): Promise<void> {
    const late = setTimeout(() => this.#lose('it took too long'), this.#limits.startTimeoutMs);
    const message = await new Promise<FromWorker>((resolve) => {
      this.#receive = resolve;
    });
    clearTimeout(late);
    this.#receive = () => {};
    this.#worker.unref();
    if (message.type === 'ready') return;
    this.#over = true;
    await this.#worker.terminate();
    throw noPython('message' in message ? message.message : `unexpected message ${message.type}`);
  }
}

function startWorker(limits: InterpreterLimits, interrupt: SharedArrayBuffer): Worker {
  const workerData: WorkerStart = {
    folder: pyodideFolder(),
    interrupt,
    maxMemory: limits.maxMemory,
    maxFiles: limits.maxFiles,
    maxOutput: limits.maxOutput,
  };
  // In the repository this file is TypeScript, which Node runs as it is; in the package both are JavaScript.
  const typescript = import.meta.url.endsWith('.ts');
  return new Worker(new URL(typescript ? './worker.ts' : './worker.js', import.meta.url), {
    workerData,
    env: {},
    execArgv: [],
    stdin: false,
    // Kept from the program's own output. Nothing is written there once Python is up, so nobody has to read it.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32, stackSizeMb: 8 },
  });
}

function pyodideFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve('pyodide/package.json'));
  } catch (error) {
    throw noPython(error instanceof Error ? error.message.split('\n')[0]! : String(error));
  }
}

function noPython(found: string): OssiaError {
  return new OssiaError('tools/no-python', `Cannot start Python: ${found}`);
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  return await Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', abort));
}
