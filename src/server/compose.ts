import { type Host, type ResponseStore, Responses, type ServerTools, Turns } from '../api/index.ts';
import { version } from '../base/index.ts';
import { TurnMemory } from '../chat/index.ts';
import { guardedFetch, openMcp, type Tool } from '../tools/index.ts';
import { type App, createApp } from './app.ts';
import { ConsoleState, StatsRecorder } from './console/index.ts';
import { guardsOf } from './guards.ts';
import { type AccessRecord, RequestScope } from './http/access.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Logger } from './log.ts';
import { Metrics } from './metrics/index.ts';
import { ModelHost } from './models/index.ts';
import { observeAll, tallyTurns } from './observers.ts';
import type { ServeOptions } from './options.ts';
import { consolePages, consoleRoutes, metricsRoutes, openApiRoutes, probeRoutes, routeGroups } from './routes/index.ts';
import { openResponseStore } from './store/index.ts';

/** Everything of a server but its port. */
export interface Composed {
  readonly app: App;
  readonly host: Host;
  readonly turns: Turns;
  readonly responses: Responses;
  readonly store: ResponseStore;
  /** The host, where the server made it. */
  readonly models: ModelHost | undefined;
  readonly tools: readonly Tool[];
  /** Of the console, where it is served. */
  readonly console: ConsoleState | undefined;
}

/** Puts a server together. Throws `server/store-failed`, `server/bad-option`. */
export async function compose(options: ServeOptions, lifecycle: Lifecycle, log: Logger): Promise<Composed> {
  const { dataDirectory, storeDays } = options;
  const scope = new RequestScope();
  const metrics = new Metrics(version());
  const recorder = new StatsRecorder();
  const models = options.host === undefined ? new ModelHost(modelOptions(options)) : undefined;
  const host = models ?? options.host!;
  const turns = new Turns({
    memory: new TurnMemory(),
    observer: observeAll([metrics.turns, tallyTurns(scope), recorder.turns]),
    constrain: options.constrain ?? true,
  });
  const store = await openResponseStore({
    directory: dataDirectory,
    days: storeDays,
    warn: (message) => log.warn({}, message),
  });
  const report = (err: unknown, id: string) => log.error({ responseId: id, err }, 'response failed');
  const tools = serverTools(options);
  const responses = new Responses({ host, turns, store, report, tools });
  const withConsole = options.console ?? true;
  const state = withConsole ? new ConsoleState({ host, turns, recorder }) : undefined;
  const over = (record: AccessRecord) => {
    metrics.http.record(record);
    recorder.request(record);
    logRequest(log, record);
  };
  const groups = [
    ...(withConsole ? [consolePages()] : []),
    probeRoutes({ notReady: async () => lifecycle.notReady }),
    metricsRoutes(metrics),
    ...(withConsole ? routeGroups : routeGroups.filter((group) => group !== consoleRoutes)),
  ];
  const app = createApp(
    {
      ...{ host, turns, responses, log, tools: tools.tools, version: version() },
      ...(state === undefined ? {} : { console: state }),
    },
    [...groups, openApiRoutes(groups)],
    guardsOf(options, { scope, lifecycle, over }),
  );
  return { app, host, turns, responses, store, models, tools: tools.tools, console: state };
}

function modelOptions(options: ServeOptions) {
  const { load, keepAliveMs, defaultKeepAliveMs, maxMemoryBytes, maxLoaded, aliases, dataDirectory } = options;
  const given = { load, keepAliveMs, defaultKeepAliveMs, maxMemoryBytes, maxLoaded, aliases, dataDirectory };
  return { ...withoutAbsent(given), defaultModel: options.model ?? 'ossia-nano' };
}

function serverTools({ tools = [], toolLimits, requestMcp = 'none' }: ServeOptions): ServerTools {
  const guarded = requestMcp === 'public' ? { fetch: guardedFetch() } : {};
  return {
    tools,
    ...(toolLimits === undefined ? {} : { limits: toolLimits }),
    ...(requestMcp === 'none' ? {} : { openMcp: async (server) => openMcp(server, guarded) }),
  };
}

const ASKED_AGAIN_AND_AGAIN: ReadonlySet<string> = new Set([
  ...['/health', '/ready', '/ping', '/metrics'],
  ...['/ossia/stats', '/ossia/stats/live', '/ossia/models'],
]);

/** One line a request; probes only when asked for every detail. */
function logRequest(log: Logger, { route, turn, left, durationMs, ...record }: AccessRecord): void {
  const isProbe = ASKED_AGAIN_AND_AGAIN.has(route) && record.method === 'GET';
  const rounded = (ms: number | undefined) => (ms === undefined ? ms : Math.round(ms * 10) / 10);
  const fields = withoutAbsent({
    ...record,
    durationMs: rounded(durationMs),
    left: left || undefined,
    ...turn,
    firstTokenMs: rounded(turn?.firstTokenMs),
  });
  log[isProbe ? 'debug' : 'info'](fields, 'request');
}

function withoutAbsent<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
