import { once } from 'node:events';
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { type Host, type Lease, type ModelCard, type TurnObserver, Turns } from '../../src/api/index.ts';
import { OssiaError } from '../../src/base/index.ts';
import { type LoadedModel, load, TurnMemory } from '../../src/chat/index.ts';
import { type App, createApp, type RouteGroup } from '../../src/server/app.ts';
import type { ServerContext } from '../../src/server/context.ts';
import { type Logger, silent } from '../../src/server/log.ts';
import { probeRoutes, routeGroups } from '../../src/server/routes/index.ts';

export interface TestServerOptions {
  /** By the names that requests use; the first is the default. Default: the embedded model, as `ossia-nano`. */
  readonly models?: Readonly<Record<string, LoadedModel>>;
  /** One model, under its own name. */
  readonly model?: LoadedModel;
  /** Default: all that the server has. */
  readonly groups?: readonly RouteGroup[];
  readonly observer?: TurnObserver;
  readonly log?: Logger;
  /** More of what routes are given. */
  readonly context?: Partial<ServerContext>;
}

export interface TestServer {
  /** `http://127.0.0.1:…`, without a slash at the end. */
  readonly url: string;
  readonly app: App;
  readonly host: TestHost;
  readonly turns: Turns;
  /** Stops listening, and ends what runs. The models stay. */
  close(): Promise<void>;
}

/** All routes over real turns, on a port of its own; what the `ossia serve` command adds around them is tested elsewhere. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const models = options.models ?? { [options.model?.name ?? 'ossia-nano']: options.model ?? (await nano()) };
  const host = new TestHost(models);
  const { observer } = options;
  const turns = new Turns({ memory: new TurnMemory(), ...(observer === undefined ? {} : { observer }) });
  const context = { host, turns, log: options.log ?? silent, version: '0.0.0-test', ...options.context };
  const app = createApp(context, [probeRoutes(), ...(options.groups ?? routeGroups)]);
  const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0, overrideGlobalObjects: false }) as Server;
  if (!server.listening) await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('The test server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    app,
    host,
    turns,
    async close() {
      turns.stopAll();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

let loading: Promise<LoadedModel> | undefined;

/** The embedded model, loaded once a process. `closeNano` lets the process end by itself. */
export function nano(): Promise<LoadedModel> {
  loading ??= load('ossia-nano', { context: 4096 });
  return loading;
}

export async function closeNano(): Promise<void> {
  const model = await loading;
  loading = undefined;
  await model?.close();
}

/** Models that are simply there. */
export class TestHost implements Host {
  /** On loan now. */
  leases = 0;
  readonly #models: ReadonlyMap<string, LoadedModel>;

  constructor(models: Readonly<Record<string, LoadedModel>>) {
    this.#models = new Map(Object.entries(models));
  }

  async lend(name = this.#models.keys().next().value ?? ''): Promise<Lease> {
    const model = this.#models.get(name);
    if (!model) throw new OssiaError('api/unknown-model', `Cannot find the model ${name} here`);
    this.leases++;
    let released = false;
    const release = () => {
      if (!released) this.leases--;
      released = true;
    };
    return { model, name, loadMs: 0, release };
  }

  async stats() {
    const all = [...this.#models].map(async ([name, model]) => ({ name, stats: await model.stats() }));
    return (await Promise.all(all)).flatMap(({ name, stats }) => (stats === undefined ? [] : [{ name, stats }]));
  }

  async models(): Promise<readonly ModelCard[]> {
    return [...this.#models].map(([name, { info }]) => ({
      name,
      origin: info.origin,
      sizeBytes: 1_000_000,
      modified: new Date('2026-03-01T00:00:00Z'),
      layout: 'huggingface',
      loaded: { contextLength: info.contextLength, memoryBytes: 2_000_000, expires: undefined, leases: this.leases },
    }));
  }
}
