import type { Progress } from '@modelcontextprotocol/sdk/types.js';
import { OssiaError } from '../../base/index.ts';
import type { Tool, ToolFunction, ToolRequest, ToolResult } from '../types.ts';
import { Connection, type ConnectionOptions } from './connection.ts';
import type { McpFunction } from './functions.ts';
import { plain, withinReason } from './lines.ts';
import { cut, toResult } from './result.ts';
import type { McpApproval, McpOptions, McpServer } from './types.ts';

/** Connections that may be opened within a minute: a server that ends again and again is left alone for a while. */
const MAX_STARTS = 5;
const MINUTE_MS = 60_000;
/** Milliseconds between two signs of progress that are passed on. */
const PROGRESS_MS = 50;

/** The functions of an MCP server. Nothing is started or connected before the first turn asks for them. */
export function openMcp(server: McpServer, options: McpOptions = {}): Tool {
  return new McpTool(server, options);
}

class McpTool implements Tool {
  readonly name: string;
  /** A program that was named may ask whomever it likes. */
  readonly reachesOut = true;
  readonly #server: McpServer;
  readonly #approval: McpApproval;
  readonly #maxResultCharacters: number;
  readonly #options: Omit<ConnectionOptions, 'signal'>;
  /** The last lines of its log: why it did not start may stand there. */
  #said: readonly string[] = [];
  readonly #starts: number[] = [];
  #opening: Promise<Connection> | undefined;
  #known: readonly McpFunction[] = [];
  readonly #lifetime = new AbortController();

  constructor(server: McpServer, options: McpOptions) {
    const {
      log = () => {},
      connectTimeoutMs = 60_000,
      callTimeoutMs = 120_000,
      maxResultCharacters = 100_000,
    } = options;
    this.name = `mcp:${server.label}`;
    this.#server = server;
    this.#approval = server.approval ?? options.approval ?? 'always';
    this.#maxResultCharacters = maxResultCharacters;
    this.#options = {
      log: withinReason((line) => {
        this.#said = [...this.#said.slice(-2), line];
        log(`${this.name}: ${line}`);
      }),
      connectTimeoutMs,
      callTimeoutMs,
      fetch: options.fetch ?? fetch,
    };
  }

  async functions(signal: AbortSignal): Promise<readonly ToolFunction[]> {
    const functions = await unlessAborted(this.#list(), signal);
    return functions.map(({ name, description, parameters }) => ({
      name,
      ...(description === undefined ? {} : { description }),
      ...(parameters === undefined ? {} : { parameters }),
    }));
  }

  needsApproval({ name }: Pick<ToolRequest, 'name'>): boolean {
    const known = this.#known.find((candidate) => candidate.name === name);
    if (this.#approval === 'always') return true;
    if (this.#approval === 'never') return false;
    if (this.#approval === 'auto') return known?.readOnly !== true;
    return !this.#approval.includes(known?.original ?? name);
  }

  async call(request: ToolRequest): Promise<ToolResult> {
    const args = readArguments(request.arguments);
    if (args === undefined) return failed('The arguments are no JSON object');
    try {
      const functions = await unlessAborted(this.#list(), request.signal);
      const wanted = functions.find(({ name }) => name === request.name);
      if (wanted === undefined) return failed(`There is no function ${request.name}; ${offered(functions)}`);
      return await this.#run(wanted, args, request);
    } catch (error) {
      return this.#failed(error, request.signal);
    }
  }

  async close(): Promise<void> {
    this.#lifetime.abort(new Error('The tool has been closed'));
    const opening = this.#opening;
    this.#opening = undefined;
    const connection = await opening?.catch(() => undefined);
    await connection?.close();
  }

  async #run({ original }: McpFunction, args: Record<string, unknown>, request: ToolRequest): Promise<ToolResult> {
    const { signal } = request;
    const progress = request.progress === undefined ? {} : { progress: narrate(request.progress) };
    const action = { type: 'mcp', server: this.#server.label, tool: original } as const;
    try {
      const result = await this.#with((connection) => connection.call(original, args, { signal, ...progress }));
      return { ...toResult(result, this.#maxResultCharacters), action };
    } catch (error) {
      return { ...this.#failed(error, signal), action };
    }
  }

  /** What the model is told; whoever has left is told that. */
  #failed(error: unknown, signal: AbortSignal): ToolResult {
    signal.throwIfAborted();
    return failed(cut(reasonOf(error), this.#maxResultCharacters));
  }

  async #list(): Promise<readonly McpFunction[]> {
    try {
      this.#known = await this.#with((connection) => connection.functions());
      return this.#known;
    } catch (cause) {
      if (cause instanceof OssiaError) throw cause;
      const said = this.#said.length === 0 ? '' : `; it said: ${this.#said.join(' · ')}`;
      throw this.#unreachable(plain(reasonOf(cause) + said, 1000), cause);
    }
  }

  /** A server that has forgotten the session, as after a restart, did not begin: it is asked again over a new one. */
  async #with<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = await this.#connection();
    try {
      return await use(connection);
    } catch (error) {
      if (!connection.hasLostSession(error)) throw error;
      await connection.close();
      return use(await this.#connection());
    }
  }

  /** The one connection there is, or a new one. */
  async #connection(): Promise<Connection> {
    const opening = this.#opening;
    const connection = await opening;
    if (connection?.isClosed === false) return connection;
    if (this.#lifetime.signal.aborted) throw this.#unreachable('it has been closed');
    if (this.#opening !== opening && this.#opening !== undefined) return this.#opening;
    const next = this.#start();
    this.#opening = next;
    next.catch(() => {
      if (this.#opening === next) this.#opening = undefined;
    });
    return next;
  }

  async #start(): Promise<Connection> {
    const now = performance.now();
    while (this.#starts[0] !== undefined && now - this.#starts[0] > MINUTE_MS) this.#starts.shift();
    if (this.#starts.length >= MAX_STARTS) throw this.#unreachable(`it ended ${MAX_STARTS} times within a minute`);
    this.#starts.push(now);
    this.#said = [];
    return Connection.open(this.#server, { ...this.#options, signal: this.#lifetime.signal });
  }

  #unreachable(why: string, cause?: unknown): OssiaError {
    const server = this.#server;
    const what = server.type === 'stdio' ? server.command : new URL(server.url).origin; // the rest may hold keys
    const message = `Cannot use the MCP server ${server.label} (${what}): ${why}`;
    return new OssiaError('tools/mcp-unreachable', message, { cause });
  }
}

/** `fetch failed` says why only in its cause; what a server says bears the library's prefix, and maybe its own. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (error instanceof TypeError && cause instanceof Error) return `${message}: ${cause.message}`;
  return message.replace(/^(?:MCP error -?\d+: )+/, '');
}

function readArguments(text: string): Record<string, unknown> | undefined {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function offered(functions: readonly McpFunction[]): string {
  return functions.length === 0 ? 'there is none now' : `there are ${functions.map(({ name }) => name).join(', ')}`;
}

function failed(text: string): ToolResult {
  return { text, isError: true };
}

/** `3 of 10: reading pages`, not more often than can be read. */
function narrate(tell: (text: string) => void): (progress: Progress) => void {
  let last = Number.NEGATIVE_INFINITY;
  return ({ progress, total, message }) => {
    const now = performance.now();
    if (now - last < PROGRESS_MS) return;
    last = now;
    const count = total === undefined ? `${progress}` : `${progress} of ${total}`;
    tell(message === undefined ? count : `${count}: ${plain(message, 500)}`);
  };
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
  });
  promise.catch(() => {}); // it may fail after nobody waits any more
  return Promise.race([promise, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
