import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { type Host, type ResponseStore, Responses, Turns } from '../api/index.ts';
import { OssiaError, version } from '../base/index.ts';
import { TurnMemory } from '../chat/index.ts';
import { createApp } from './app.ts';
import { guardsOf } from './guards.ts';
import { type AccessRecord, RequestScope } from './http/access.ts';
import { Lifecycle } from './lifecycle.ts';
import { listen } from './listen.ts';
import { type Logger, silent } from './log.ts';
import { Metrics } from './metrics/index.ts';
import { ModelHost } from './models/index.ts';
import { observeAll, tallyTurns } from './observers.ts';
import {
  DEFAULT_BODY_TIMEOUT_MS,
  DEFAULT_HOSTNAME,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_PORT,
  type ServeOptions,
} from './options.ts';
import { metricsRoutes, openApiRoutes, probeRoutes, routeGroups } from './routes/index.ts';
import { openResponseStore } from './store/index.ts';

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

/** For replies whose turns were just ended: to be written, read and closed. */
const LAST_WORDS_MS = 5000;

/**
 * Starts a server, and resolves when its models are loaded.
 *
 *     const server = await startServer({ model: 'gpt-oss:20b', port: 0 });
 *     await fetch(`${server.url}/v1/models`);
 *     await server.close({ drainMs: 10_000 });
 *
 * Throws `server/cannot-listen`, `server/bad-option`, and what loading a model may throw.
 */
export async function startServer(options: ServeOptions = {}): Promise<RunningServer> {
  const log = options.log ?? silent;
  const lifecycle = new Lifecycle();
  const scope = new RequestScope();
  const metrics = new Metrics(version());
  const models = options.host === undefined ? new ModelHost(modelOptions(options)) : undefined;
  const host = models ?? options.host!;
  const turns = new Turns({ memory: new TurnMemory(), observer: observeAll([metrics.turns, tallyTurns(scope)]) });
  const over = (record: AccessRecord) => {
    metrics.http.record(record);
    logRequest(log, record);
  };
  const groups = [probeRoutes({ notReady: async () => lifecycle.notReady }), metricsRoutes(metrics), ...routeGroups];
  const store = await openResponseStore({
    directory: options.dataDirectory,
    days: options.storeDays,
    warn: (message) => log.warn({}, message),
  });
  const report = (err: unknown, responseId: string) => log.error({ responseId, err }, 'response failed');
  const responses = new Responses({ host, turns, store, report });
  const app = createApp(
    { host, turns, log, responses, version: version() },
    [...groups, openApiRoutes(groups)],
    guardsOf(options, { scope, lifecycle, over }),
  );
  const { server, url } = await listen(app, { ...listenOptions(options), log }).catch((error: unknown) => {
    store.close();
    throw error;
  });
  const close = closer(server, { lifecycle, turns, models, responses, store });
  try {
    await models?.preload([undefined, ...(options.preload ?? [])]);
  } catch (error) {
    await close();
    throw error;
  }
  lifecycle.begin();
  return { url, host, turns, close };
}

function modelOptions(options: ServeOptions) {
  const { load, keepAliveMs, defaultKeepAliveMs, maxMemoryBytes, maxLoaded, aliases, dataDirectory } = options;
  const given = { load, keepAliveMs, defaultKeepAliveMs, maxMemoryBytes, maxLoaded, aliases, dataDirectory };
  return { ...withoutAbsent(given), defaultModel: options.model ?? 'ossia-nano' };
}

function listenOptions(options: ServeOptions) {
  const { tls } = options;
  const bodyTimeoutMs = options.bodyTimeoutMs ?? DEFAULT_BODY_TIMEOUT_MS;
  return {
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

interface Parts {
  readonly lifecycle: Lifecycle;
  readonly turns: Turns;
  readonly models: ModelHost | undefined;
  readonly responses: Responses;
  readonly store: ResponseStore;
}

function closer(server: Server, { lifecycle, turns, models, responses, store }: Parts): RunningServer['close'] {
  let closing: Promise<void> | undefined;
  const close = async (drainMs: number) => {
    lifecycle.drain();
    await within(drainMs, untilIdle(lifecycle, turns));
    await within(LAST_WORDS_MS, responses.close());
    turns.stopAll();
    await within(LAST_WORDS_MS, untilIdle(lifecycle, turns));
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
    store.close();
    await models?.close();
  };
  return ({ drainMs = 0 } = {}) => {
    closing ??= close(drainMs);
    return closing;
  };
}

/** When no reply is being written and no turn runs, in the background either. */
async function untilIdle(lifecycle: Lifecycle, turns: Turns): Promise<void> {
  await lifecycle.idle();
  while (turns.size > 0) await new Promise((resolve) => setTimeout(resolve, 20).unref());
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, time]);
  clearTimeout(timer);
}

/** One line a request; probes only when asked for every detail. */
function logRequest(log: Logger, { route, turn, left, ...record }: AccessRecord): void {
  const isProbe = route === '/health' || route === '/ready' || route === '/ping' || route === '/metrics';
  const fields = { ...record, ...(left ? { left } : {}), ...(turn ? withoutAbsent(turn) : {}) };
  log[isProbe ? 'debug' : 'info'](fields, 'request');
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
