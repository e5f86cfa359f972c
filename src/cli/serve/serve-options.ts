import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type ApiKey, apiKey, parseKeyFile, type ServeOptions } from '../../server/index.ts';
import type { Context } from '../context.ts';
import { usage } from '../failure.ts';
import { loadOptionsOf } from '../options.ts';
import { parseAddress } from './address.ts';
import type { ServeFlags } from './flags.ts';

/** The flags as options of the library. Throws `cli/usage`, and `server/bad-option` for a key file that is none. */
export function serveOptionsOf(context: Context, flags: ServeFlags): ServeOptions {
  const { hostname, port } = flags.host === undefined ? parseAddress(':6774') : parseAddress(flags.host);
  const { maxRunning, maxWaiting, cacheTokens } = flags;
  if ((flags.tlsCert === undefined) !== (flags.tlsKey === undefined)) {
    throw usage('--tls-cert and --tls-key belong together', 'Give both, or neither');
  }
  const options = {
    hostname,
    port: flags.port ?? port,
    load: { ...loadOptionsOf(context, flags), ...present({ maxRunning, maxWaiting, cacheTokens }) },
    preload: flags.preload,
    aliases: flags.alias && Object.fromEntries(flags.alias.map((pair) => pair.split(/=(.*)/s, 2))),
    keepAliveMs: flags.keepAlive,
    maxMemoryBytes: flags.maxMemory,
    maxLoaded: flags.maxLoaded,
    apiKeys: keysOf(flags),
    corsOrigins: flags.corsOrigin,
    allowedHosts: flags.allowHost,
    tls: flags.tlsCert && flags.tlsKey ? { certFile: flags.tlsCert, keyFile: flags.tlsKey } : undefined,
    maxBodyBytes: flags.maxBody,
    maxConnections: flags.maxConnections,
    requestTimeoutMs: flags.requestTimeout,
    console: flags.console,
    constrain: flags.constrain,
    toolLimits: flags.maxSteps === undefined ? undefined : { maxSteps: flags.maxSteps },
    requestMcp: flags.requestMcp ?? (flags.tools ? ('public' as const) : ('none' as const)),
    dataDirectory: dataDirectory(context, flags.data),
    storeDays: flags.storeDays,
  };
  return present(options);
}

function keysOf({ apiKey: keys = [], apiKeyFile }: ServeFlags): ApiKey[] {
  const fromFile = apiKeyFile === undefined ? [] : parseKeyFile(readKeyFile(apiKeyFile), apiKeyFile);
  if (apiKeyFile !== undefined && fromFile.length === 0) {
    throw usage(`There is no key in ${apiKeyFile}`, 'Add the line that `ossia key` prints, or leave the file out');
  }
  return [...keys.map((key) => apiKey(key)), ...fromFile];
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw usage(`Cannot read the keys of ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

function dataDirectory({ env }: Context, given: string | undefined): string | undefined {
  if (given === 'none') return undefined;
  return given ?? join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'ossia');
}

function present<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]: Exclude<T[K], undefined> };
}
