import type { ToolRequest, ToolResult } from '../types.ts';
import { Interpreter, type InterpreterLimits, type RunOutcome } from './interpreter.ts';
import type { Python, PythonOptions } from './types.ts';

/**
 * Opens the `python` tool: CPython in WebAssembly, in a process of its own, without network, files or environment of this
 * machine. Every conversation has an interpreter of its own, whose names live on from call to call.
 */
export function openPython(options: PythonOptions = {}): Python {
  return new PythonTool(options);
}

interface Lease {
  readonly interpreter: Interpreter;
  /** The calls of one conversation, one after another. */
  last: Promise<unknown>;
  pending: number;
  idle: NodeJS.Timeout | undefined;
}

class PythonTool implements Python {
  readonly name = 'python';
  readonly builtin = 'python';
  readonly #limits: InterpreterLimits;
  readonly #maxInterpreters: number;
  readonly #idleMs: number;
  /** By conversation, the one that rested longest first. */
  readonly #leases = new Map<string, Lease>();
  /** Conversations whose interpreter was taken from them, so that they can be told. */
  readonly #lost = new Set<string>();
  #spare: Interpreter | undefined;
  #closed = false;

  constructor(options: PythonOptions) {
    this.#limits = {
      timeoutMs: options.timeoutMs ?? 120_000, // what the model is told
      startTimeoutMs: options.startTimeoutMs ?? 60_000,
      maxMemory: options.maxMemory ?? 512 * 2 ** 20,
      maxFiles: options.maxFiles ?? 64 * 2 ** 20,
      maxOutput: options.maxOutput ?? 64 * 2 ** 10,
    };
    this.#maxInterpreters = options.maxInterpreters ?? 4;
    this.#idleMs = options.idleMs ?? 15 * 60_000;
  }

  async warm(): Promise<void> {
    if (this.#leases.size > 0) return;
    this.#spare ??= new Interpreter(this.#limits);
    await this.#spare.ready;
  }

  async call({ arguments: source, conversation, signal, progress }: ToolRequest): Promise<ToolResult> {
    signal.throwIfAborted();
    const lease = this.#lease(conversation);
    if (!lease) return failure(`All ${this.#maxInterpreters} Python interpreters are busy: try again in a moment`);
    lease.pending++;
    clearTimeout(lease.idle);
    const outcome = lease.last.then(() => lease.interpreter.run(source, signal, progress));
    lease.last = outcome.catch(() => {});
    try {
      const forgotten = this.#lost.delete(conversation);
      return result(source, await outcome, this.#limits, forgotten);
    } finally {
      lease.pending--;
      if (lease.interpreter.over) this.#drop(conversation, lease);
      else if (lease.pending === 0) this.#rest(conversation, lease);
    }
  }

  forget(conversation: string): void {
    const lease = this.#leases.get(conversation);
    if (lease) this.#drop(conversation, lease);
    this.#lost.delete(conversation);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const leases = [...this.#leases.values()];
    this.#leases.clear();
    for (const { idle } of leases) clearTimeout(idle);
    await Promise.all([...leases.map(({ interpreter }) => interpreter.end()), this.#spare?.end()]);
  }

  /** The conversation's interpreter, or a new one; undefined when all that there may be are at work. */
  #lease(conversation: string): Lease | undefined {
    if (this.#closed) throw new TypeError('Cannot run Python: the tool was closed');
    const found = this.#leases.get(conversation);
    this.#leases.delete(conversation); // to come back as the newest
    if (!(found && !found.interpreter.over) && !this.#makeRoom()) return undefined;
    const lease = found && !found.interpreter.over ? found : this.#start();
    this.#leases.set(conversation, lease);
    return lease;
  }

  #start(): Lease {
    const interpreter = this.#spare?.over === false ? this.#spare : new Interpreter(this.#limits);
    this.#spare = undefined;
    return { interpreter, last: Promise.resolve(), pending: 0, idle: undefined };
  }

  /** Ends the interpreter that rested longest when there are as many as there may be; those that work stay. */
  #makeRoom(): boolean {
    if (this.#leases.size < this.#maxInterpreters) return true;
    for (const [conversation, lease] of this.#leases) {
      if (lease.pending > 0) continue;
      this.#drop(conversation, lease);
      this.#remember(conversation);
      return true;
    }
    return false;
  }

  #rest(conversation: string, lease: Lease): void {
    lease.idle = setTimeout(() => {
      this.#drop(conversation, lease);
      this.#remember(conversation);
    }, this.#idleMs);
    lease.idle.unref();
  }

  #drop(conversation: string, lease: Lease): void {
    clearTimeout(lease.idle);
    if (this.#leases.get(conversation) === lease) this.#leases.delete(conversation);
    void lease.interpreter.end();
  }

  /** That this conversation lost its names while it rested. */
  #remember(conversation: string): void {
    this.#lost.add(conversation);
    if (this.#lost.size > maxRemembered) this.#lost.delete(this.#lost.values().next().value!);
  }
}

const maxRemembered = 10_000;

function result(source: string, outcome: RunOutcome, limits: InterpreterLimits, forgotten: boolean): ToolResult {
  const { output, cut, isError, images, stopped } = outcome;
  const seconds = Number((limits.timeoutMs / 1000).toPrecision(3));
  const notes = [
    cut > 0 && `[${cut} bytes more of output are left out]`,
    stopped === 'interrupted' && `[Stopped after ${seconds} s: do less in one program. All names are still there]`,
    stopped === 'killed' && `[Ended after ${seconds} s, since the program did not stop. ${startsAfresh}]`,
    stopped === 'broken' && `[The program broke the interpreter. ${startsAfresh}]`,
    forgotten && '[This conversation had rested for long: the names of earlier programs are gone]',
  ].filter((note) => note !== false);
  const text = [output.trimEnd(), ...notes].filter((part) => part !== '').join('\n');
  return {
    text: text || '[No output: use print() to see values]',
    ...(isError && { isError }),
    ...(images.length > 0 && { images }),
    action: { type: 'code', source, output: text },
  };
}

const startsAfresh = 'The next one starts in a new interpreter: define again what it needs';

function failure(text: string): ToolResult {
  return { text, isError: true };
}
