import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { ReadBuffer } from '@modelcontextprotocol/sdk/shared/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js';
import { readLines } from './lines.ts';
import type { McpProgram } from './types.ts';

export interface ProgramOptions {
  readonly log: (line: string) => void;
  /** Bytes of one message at most. */
  readonly maxMessageBytes: number;
}

/** Milliseconds that a program has to end after its input has ended, and again after it was asked by a signal. */
const GRACE_MS = 2000;

/**
 * An MCP server as a child process, one JSON message a line. It leads a process group of its own: Ctrl-C in a terminal, which ends
 * a turn, does not reach it, and what it starts (as `npx` does) ends with it.
 */
export class ProgramTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: Transport['onmessage'];
  readonly #program: McpProgram;
  readonly #options: ProgramOptions;
  #child: ChildProcessWithoutNullStreams | undefined;
  #ended: Promise<void> | undefined;

  constructor(program: McpProgram, options: ProgramOptions) {
    this.#program = program;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { getDefaultEnvironment } = await import('@modelcontextprotocol/sdk/client/stdio.js');
    const { ReadBuffer } = await import('@modelcontextprotocol/sdk/shared/stdio.js');
    const { command, args, env, cwd } = this.#program;
    const child = spawn(command, args, { env: { ...getDefaultEnvironment(), ...env }, cwd, detached: true });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    child.once('exit', () => killGroup(child, 'SIGKILL')); // what it leaves behind
    child.once('close', (code, signal) => this.#over(child, code, signal));
    child.stdin.on('error', (error) => this.onerror?.(error));
    this.#read(child, new ReadBuffer({ maxBufferSize: this.#options.maxMessageBytes }));
    child.stderr.on('data', readLines(this.#options.log));
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', resolve);
    });
    endWithUs(child);
    child.on('error', (error) => this.onerror?.(error));
  }

  async send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin === undefined || !stdin.writable) throw new Error('The program has ended');
    await new Promise<void>((resolve, reject) => {
      stdin.write(`${JSON.stringify(message)}\n`, (error) => (error ? reject(error) : resolve()));
    });
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    child.stdin.end();
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      if (await this.#endsWithin(GRACE_MS)) return;
      killGroup(child, signal);
    }
    await this.#endsWithin(GRACE_MS);
  }

  #read(child: ChildProcessWithoutNullStreams, buffer: ReadBuffer): void {
    child.stdout.on('data', (chunk: Buffer) => {
      try {
        buffer.append(chunk);
      } catch {
        this.onerror?.(new Error(`A message has more than ${this.#options.maxMessageBytes} bytes`));
        killGroup(child, 'SIGKILL');
        return;
      }
      for (;;) {
        try {
          const message = buffer.readMessage();
          if (message === null) return;
          this.onmessage?.(message);
        } catch {
          this.onerror?.(new Error('A line of its standard output is no JSON-RPC message'));
        }
      }
    });
  }

  #over(child: ChildProcessWithoutNullStreams, code: number | null, signal: string | null): void {
    this.#child = undefined;
    living.delete(child);
    if (code !== 0 && child.pid !== undefined) this.#options.log(`ended with ${signal ?? `exit code ${code}`}`);
    this.onclose?.();
  }

  async #endsWithin(ms: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, ms, false);
    });
    const ended = this.#ended?.then(() => true) ?? true;
    return Promise.race([ended, late]).finally(() => clearTimeout(timer));
  }
}

const living = new Set<ChildProcessWithoutNullStreams>();
let listening = false;

/** When this process ends without closing its tools, the programs end with it. */
function endWithUs(child: ChildProcessWithoutNullStreams): void {
  if (!listening) process.once('exit', killAll);
  listening = true;
  living.add(child);
}

function killAll(): void {
  for (const child of living) killGroup(child, 'SIGKILL');
}

function killGroup({ pid }: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended already.
  }
}
