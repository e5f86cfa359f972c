import type { Host, ServerTools } from '../api/index.ts';
import type { Tool } from '../tools/index.ts';
import type { ApiKey } from './http/keys.ts';
import type { Logger } from './log.ts';
import type { LogOptions } from './logging/levels.ts';
import type { ModelHostOptions } from './models/index.ts';

/** What `startServer` takes; every part has a default. */
export interface ServeOptions
  extends Pick<
    ModelHostOptions,
    'load' | 'keepAliveMs' | 'defaultKeepAliveMs' | 'maxMemoryBytes' | 'maxLoaded' | 'aliases'
  > {
  /** Where responses and derived models are kept. Default: nowhere, they last as long as the server. */
  readonly dataDirectory?: string;
  /** Default `127.0.0.1`. */
  readonly hostname?: string;
  /** Default 6774; 0: any that is free. */
  readonly port?: number;
  /** Path or name of the model that requests get when they name none. Default `ossia-nano`. */
  readonly model?: string;
  /** Further models to load before the first request. */
  readonly preload?: readonly string[];
  /** Who may use the server: keys in the clear, or of `apiKey`. Default: everybody who can reach it. */
  readonly apiKeys?: readonly (string | ApiKey)[];
  /** Pages whose scripts may use it: `https://chat.example`, `http://localhost:*`, `*`. Default: none. */
  readonly corsOrigins?: readonly string[];
  /** Names under which it may be spoken to, beside `localhost` and addresses. Default: `hostname`, and this machine's. */
  readonly allowedHosts?: readonly string[];
  /** Files in PEM form. Default: plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** Largest body of a request. Default 8 MiB: some times what a full context takes, and read within a second. */
  readonly maxBodyBytes?: number;
  /** How long the body of a request may take to arrive. Default two minutes. */
  readonly bodyTimeoutMs?: number;
  /** How long a request may run; then its turn ends with what there is. Default: as long as it takes. */
  readonly requestTimeoutMs?: number;
  /** `false`: turns are sampled without the mask that keeps them well-formed. For research. Default true. */
  readonly constrain?: boolean;
  /** Connections at a time. Default 1,000. */
  readonly maxConnections?: number;
  /** Days for which responses are kept in the data directory. Default 30. */
  readonly storeDays?: number;
  /** Whether the console is served: its pages, and the paths under `/ossia/`. Default true. */
  readonly console?: boolean;
  /** What the server carries out for those who ask for it: see `defaultTools`. It closes them as it ends. Default: none. */
  readonly tools?: readonly Tool[];
  /** How long acting may go on in one request. */
  readonly toolLimits?: NonNullable<ServerTools['limits']>;
  /** Which MCP servers requests may bring along: none, those at public addresses, or any at all. Default `none`. */
  readonly requestMcp?: 'none' | 'public' | 'any';
  /** Default: none is written. */
  readonly log?: Logger | LogOptions;
  /** What lends models, in place of the one that the options above describe; whoever made it closes it. */
  readonly host?: Host;
}

export const DEFAULT_HOSTNAME = '127.0.0.1';
export const DEFAULT_PORT = 6774;
export const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024;
export const DEFAULT_BODY_TIMEOUT_MS = 120_000;
export const DEFAULT_MAX_CONNECTIONS = 1000;
