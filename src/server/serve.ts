import { readFileSync } from 'node:fs';
import type { Host, Turns } from '../api/index.ts';
import { OssiaError } from '../base/index.ts';
import { closePort, closeServer } from './closing.ts';
import { type Composed, compose } from './compose.ts';
import { Lifecycle } from './lifecycle.ts';
import { type ListenOptions, listen } from './listen.ts';
import type { Logger } from './log.ts';
import { loggerOf } from './logging/index.ts';
import {
  DEFAULT_BODY_TIMEOUT_MS,
  DEFAULT_HOSTNAME,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_PORT,
  type ServeOptions,
} from './options.ts';

export interface RunningServer {
  /** `http://127.0.0.1:6774`: where it listens, without a slash at the end. */
  readonly url: string;
  /** What lends its models. */
  readonly host: Host;
  /** The turns that run. */
  readonly turns: Turns;
  /**
   * Takes no more requests, lets those that run go on for `drainMs` (default 0), ends them with what there is, and frees the
   * port and the models. Once is enough; later calls wait for the first.
   */
  close(options?: { readonly drainMs?: number }): Promise<void>;
}

/** What `startServer` does. */
export async function startServer(options: ServeOptions = {}): Promise<RunningServer> {
  const lifecycle = new Lifecycle();
  const log = loggerOf(options.log);
  let open: (parts: Composed) => void = () => {};
  const composed = new Promise<Composed>((resolve) => {
    open = resolve;
  });
  // The port comes first: who finds it taken shall touch nothing else.
  const { server, url } = await listen(
    async (request, env) => {
      const { app } = await composed;
      return await app.fetch(request, env);
    },
    listenOptions(options, log),
  );
  let parts: Composed;
  try {
    parts = await compose(options, lifecycle, log);
  } catch (error) {
    await closePort(server);
    throw error;
  }
  open(parts);
  let closing: Promise<void> | undefined;
  const close: RunningServer['close'] = ({ drainMs = 0 } = {}) => {
    closing ??= closeServer(server, parts, lifecycle, drainMs);
    return closing;
  };
  try {
    await parts.models?.preload([undefined, ...(options.preload ?? [])]);
  } catch (error) {
    await close();
    throw error;
  }
  lifecycle.begin();
  return { url, host: parts.host, turns: parts.turns, close };
}

function listenOptions(options: ServeOptions, log: Logger): ListenOptions {
  const { tls } = options;
  const bodyTimeoutMs = options.bodyTimeoutMs ?? DEFAULT_BODY_TIMEOUT_MS;
  return {
    log,
    hostname: options.hostname ?? DEFAULT_HOSTNAME,
    port: options.port ?? DEFAULT_PORT,
    maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    headersTimeoutMs: Math.min(20_000, bodyTimeoutMs),
    bodyTimeoutMs,
    ...(tls === undefined ? {} : { tls: { cert: readPem(tls.certFile), key: readPem(tls.keyFile) } }),
  };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw new OssiaError('server/bad-option', `Cannot read the TLS file ${file}: ${found}`, { cause });
  }
}
