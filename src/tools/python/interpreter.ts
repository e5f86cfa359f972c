import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OssiaError } from '../../base/index.ts';
import type { ToolImage } from '../types.ts';
import { type FromWorker, readMessage, type ToProcess } from './messages.ts';

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

/** One Python, in a process of its own. */
export class Interpreter {
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #limits: InterpreterLimits;
  readonly #ready: Promise<void>;
  #receive: (message: FromWorker) => void = () => {};
  #over = false;

  constructor(limits: InterpreterLimits) {
    this.#limits = limits;
    const folder = pyodideFolder();
    const child = startProcess();
    this.#process = child;
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()));
    child.on('message', (message: unknown) => {
      const read = readMessage(message);
      if (read) this.#receive(read);
    });
    child.on('error', (error) => this.#lose(error.message));
    child.on('exit', () => this.#lose('its process ended'));
    const { maxMemory, maxFiles, maxOutput } = limits;
    this.#send({ type: 'start', folder, maxMemory, maxFiles, maxOutput });
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
    this.#keepAlive(true);
    let output = '';
    let stopped: RunOutcome['stopped'];
    let late: NodeJS.Timeout | undefined;
    const stop = () => {
      stopped ??= 'interrupted';
      this.#send({ type: 'interrupt' });
      late ??= setTimeout(() => this.#lose('it did not stop'), graceMs);
    };
    const limit = setTimeout(stop, this.#limits.timeoutMs);
    signal.addEventListener('abort', stop, { once: true });
    try {
      const end = await new Promise<FromWorker>((resolve) => {
        this.#receive = (message) => {
          if (message.type !== 'output') return resolve(message);
          if (output.length >= this.#limits.maxOutput) return;
          output += message.text;
          progress?.(message.text);
        };
        if (this.#over) resolve({ type: 'broken', message: 'it ended' });
        else this.#send({ type: 'run', source });
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
      signal.removeEventListener('abort', stop);
      this.#receive = () => {};
      this.#keepAlive(false); // a resting interpreter keeps no program alive
    }
  }

  /** Ends the process, whatever it does. */
  async end(): Promise<void> {
    this.#over = true;
    this.#receive({ type: 'broken', message: 'it was ended' });
    await this.#kill();
  }

  #lose(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#receive({ type: 'broken', message: reason });
    void this.#kill();
  }

  #send(message: ToProcess): void {
    if (this.#process.connected) this.#process.send(message, () => {}); // what cannot be sent is told by its end
  }

  #keepAlive(yes: boolean): void {
    const { channel } = this.#process;
    if (yes) {
      this.#process.ref();
      channel?.ref();
    } else {
      this.#process.unref();
      channel?.unref();
    }
  }

  async #kill(): Promise<void> {
    this.#process.ref(); // so that it is seen to end
    this.#process.kill('SIGKILL');
    await this.#ended;
  }

  async #started(): Promise<void> {
    const late = setTimeout(() => this.#lose('it took too long'), this.#limits.startTimeoutMs);
    const message = await new Promise<FromWorker>((resolve) => {
      this.#receive = resolve;
    });
    clearTimeout(late);
    this.#receive = () => {};
    this.#keepAlive(false);
    if (message.type === 'ready') return;
    this.#over = true;
    await this.#kill();
    throw noPython('message' in message ? message.message : `unexpected message ${message.type}`);
  }
}

function startProcess(): ChildProcess {
  // In the repository this file is TypeScript, which Node runs as it is; in the package both are JavaScript.
  const typescript = import.meta.url.endsWith('.ts');
  const file = fileURLToPath(new URL(typescript ? './process.ts' : './process.js', import.meta.url));
  const { SystemRoot } = process.env; // Windows starts nothing without it
  return fork(file, [], {
    env: SystemRoot === undefined ? {} : { SystemRoot },
    execArgv: [],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
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
