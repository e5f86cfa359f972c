import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface ServerOptions {
  /** A name or a path. */
  readonly model: string;
  /** More flags of `ossia serve`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const READY_MS = 300_000;
const GONE_MS = 30_000;
/** Of the times in /proc: Linux counts them in hundredths of a second for programs, whatever it does inside. */
const TICK_MS = 10;

/** `ossia serve` as a child process on a free port of the loopback interface. */
export class ServerProcess {
  readonly url: string;
  readonly command: string;
  readonly #child: ChildProcess;
  readonly #output: () => string;

  private constructor(child: ChildProcess, url: string, command: string, output: () => string) {
    this.#child = child;
    this.url = url;
    this.command = command;
    this.#output = output;
  }

  /** Resolves when the server says that it is ready. */
  static async start({ model, flags = [], env = {} }: ServerOptions): Promise<ServerProcess> {
    const port = String(await freePort());
    const args = ['serve', model, '--host', `127.0.0.1:${port}`, ...flags];
    const child = spawn(process.execPath, [fileURLToPath(new URL('child.ts', import.meta.url)), ...args], {
      env: { ...withoutSettings(process.env), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = ''; // the last of it: what a failure is told with
    for (const stream of [child.stdout, child.stderr]) {
      stream!.setEncoding('utf8').on('data', (text: string) => {
        output = (output + text).slice(-4000);
      });
    }
    const url = `http://127.0.0.1:${port}`;
    const server = new ServerProcess(child, url, `ossia ${args.join(' ')}`, () => output);
    await server.#ready();
    return server;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Why it is no more, and what it said last; undefined while it runs. */
  get ended(): string | undefined {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return undefined;
    return `the server ended with ${signalCode ?? exitCode}:\n${this.#output()}`;
  }

  /** Resident bytes; `own` is without what it maps from files. Undefined where the system does not tell. */
  memory(): { readonly resident: number; readonly own: number } | undefined {
    try {
      const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
      const bytes = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(status)![1]) * 1024;
      return { resident: bytes('VmRSS'), own: bytes('RssAnon') };
    } catch {
      return undefined;
    }
  }

  /** Milliseconds of processor time, of all its threads. Undefined where the system does not tell. */
  processorMs(): number | undefined {
    try {
      const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
    } catch {
      return undefined;
    }
  }

  /** Asks it to end, as an operator would. Its exit code. */
  async stop(): Promise<number | null> {
    if (this.ended === undefined) {
      const closed = once(this.#child, 'close');
      this.#child.kill('SIGTERM');
      const late = setTimeout(() => this.#child.kill('SIGKILL'), GONE_MS);
      await closed;
      clearTimeout(late);
    }
    return this.#child.exitCode;
  }

  async #ready(): Promise<void> {
    const deadline = Date.now() + READY_MS;
    while (Date.now() < deadline) {
      if (this.ended !== undefined) throw new Error(this.ended);
      const response = await fetch(`${this.url}/ready`).catch(() => undefined);
      await response?.arrayBuffer();
      if (response?.ok) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await this.stop();
    throw new Error(`the server was not ready within ${READY_MS / 1000} s:\n${this.#output()}`);
  }
}

/** What is measured is what the command line says. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OSSIA_')));
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new TypeError('Expected a port');
  return address.port;
}
