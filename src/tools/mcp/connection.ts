import type { Client } from '@modelcontextprotocol/sdk/client';
import type { CallToolResult, Progress, Tool as SdkTool } from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';
import { version } from '../../base/index.ts';
import type { Fetch } from './bounded-fetch.ts';
import { type McpFunction, toFunctions } from './functions.ts';
import { plain } from './lines.ts';
import { speaksAnother, type TransportOptions, transportsOf } from './transport.ts';
import type { McpServer } from './types.ts';

export interface ConnectionOptions {
  readonly log: (line: string) => void;
  readonly connectTimeoutMs: number;
  readonly callTimeoutMs: number;
  readonly fetch: Fetch;
  /** Ends connecting. */
  readonly signal: AbortSignal;
}

export interface CallOptions {
  readonly signal: AbortSignal;
  readonly progress?: (progress: Progress) => void;
}

/** What comes for a call that is over. */
const LATE = /^Received a (?:progress notification|response) for an unknown /;

const MAX_FUNCTIONS = 256;
const MAX_PAGES = 64;
/** Calls may take so many times `callTimeoutMs` in all, while the server says that it goes on. */
const PATIENCE = 10;
/** Milliseconds until the functions of a server that does not tell of changes are asked for again. */
const STALE_MS = 60_000;

/** A page of functions, of which any may be malformed. */
const ToolPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });

/** One life of a server: from connecting to whatever ends it. */
export class Connection {
  readonly #client: Client;
  readonly #options: ConnectionOptions;
  readonly #tellsChanges: boolean;
  #functions: Promise<readonly McpFunction[]> | undefined;
  #listedAt = 0;
  /** What was wrong with the list, so that it is not said again with every new one. */
  readonly #told = new Set<string>();
  #closed = false;

  private constructor(client: Client, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    this.#tellsChanges = client.getServerCapabilities()?.tools?.listChanged === true;
    client.onclose = () => {
      this.#closed = true;
    };
  }

  /** Tries what the server may speak, one after the other. Rejects with the reason of the last. */
  static async open(server: McpServer, options: ConnectionOptions): Promise<Connection> {
    const transports = transportsOf(server);
    for (const [index, transport] of transports.entries()) {
      try {
        return await Connection.#over(transport, options);
      } catch (error) {
        if (index === transports.length - 1 || !speaksAnother(error)) throw error;
      }
    }
    throw new Error('There is no way to talk to it');
  }

  static async #over(
    openTransport: ReturnType<typeof transportsOf>[number],
    options: ConnectionOptions,
  ): Promise<Connection> {
    const { Client } = await import('@modelcontextprotocol/sdk/client');
    const types = await import('@modelcontextprotocol/sdk/types.js');
    const client = new Client({ name: 'ossia', version: version() }, { jsonSchemaValidator: NO_VALIDATOR });
    let broken: Error | undefined;
    const onBroken: TransportOptions['onBroken'] = (error) => {
      broken = error;
      options.log(plain(error.message, 300));
      client.close().catch(() => {});
    };
    const transport = await openTransport({ log: options.log, fetch: options.fetch, onBroken });
    client.onerror = ({ message }) => {
      if (!LATE.test(message)) options.log(plain(message, 300));
    };
    try {
      await client.connect(transport, { timeout: options.connectTimeoutMs, signal: options.signal });
    } catch (error) {
      await client.close().catch(() => {});
      throw broken ?? error;
    }
    const connection = new Connection(client, options);
    client.setNotificationHandler(types.ToolListChangedNotificationSchema, () => connection.#forgetFunctions());
    client.setNotificationHandler(types.LoggingMessageNotificationSchema, ({ params }) => {
      options.log(plain(`${params.level}: ${asText(params.data)}`, 2000));
    });
    return connection;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** Whether an error says that the server knows nothing of the session, and so has not begun what it was asked. */
  hasLostSession(error: unknown): boolean {
    const { code } = error as { code?: unknown };
    return this.#client.transport?.sessionId !== undefined && (code === 404 || code === 400);
  }

  /** What the server offers; asked again when it says that this has changed. */
  functions(): Promise<readonly McpFunction[]> {
    if (!this.#tellsChanges && performance.now() - this.#listedAt > STALE_MS) this.#forgetFunctions();
    if (this.#functions === undefined) {
      this.#listedAt = performance.now();
      const asked = this.#list();
      this.#functions = asked;
      asked.catch(() => {
        if (this.#functions === asked) this.#forgetFunctions();
      });
    }
    return this.#functions;
  }

  /** Rejects when the signal fires, when the server says that the call failed, and when it says nothing. */
  async call(name: string, args: Record<string, unknown>, options: CallOptions): Promise<CallToolResult> {
    const { CallToolResultSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const { callTimeoutMs } = this.#options;
    return this.#client.request({ method: 'tools/call', params: { name, arguments: args } }, CallToolResultSchema, {
      signal: options.signal,
      timeout: callTimeoutMs,
      maxTotalTimeout: PATIENCE * callTimeoutMs,
      resetTimeoutOnProgress: true,
      onprogress: options.progress ?? (() => {}),
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const transport = this.#client.transport as { terminateSession?: () => Promise<void> } | undefined;
    await within(CLOSE_MS, transport?.terminateSession?.()).catch(() => {});
    await this.#client.close();
  }

  #tellOnce(line: string): void {
    if (this.#told.has(line) || this.#told.size >= MAX_FUNCTIONS) return;
    this.#told.add(line);
    this.#options.log(line);
  }

  #forgetFunctions(): void {
    this.#functions = undefined;
  }

  async #list(): Promise<readonly McpFunction[]> {
    const { connectTimeoutMs } = this.#options;
    const log = (line: string): void => this.#tellOnce(line);
    if (this.#client.getServerCapabilities()?.tools === undefined) {
      log('offers no functions');
      return [];
    }
    const { ToolSchema } = await import('@modelcontextprotocol/sdk/types.js');
    const listed: SdkTool[] = [];
    let cursor: string | undefined;
    for (let page = 0; ; page++) {
      const params = cursor === undefined ? {} : { cursor };
      const request = { method: 'tools/list' as const, params };
      const { tools, nextCursor } = await this.#client.request(request, ToolPage, { timeout: connectTimeoutMs });
      for (const tool of tools) {
        const { data, error } = ToolSchema.safeParse(tool);
        if (data !== undefined) listed.push(data);
        else log(`lists a malformed function, which is left out: ${plain(z.prettifyError(error), 300)}`);
      }
      if (nextCursor === undefined || nextCursor === cursor) break;
      if (listed.length > MAX_FUNCTIONS || page + 1 >= MAX_PAGES) break;
      cursor = nextCursor;
    }
    if (listed.length > MAX_FUNCTIONS) log(`lists more than ${MAX_FUNCTIONS} functions: the others are left out`);
    return toFunctions(listed.slice(0, MAX_FUNCTIONS), log);
  }
}

const CLOSE_MS = 2000;

/** Results are texts for the model: nothing is checked against what the server says of its own output. */
const NO_VALIDATOR = {
  getValidator: () => () => ({ valid: true as const, data: undefined as never, errorMessage: undefined }),
};

async function within(ms: number, promise: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function asText(data: unknown): string {
  return typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
}
