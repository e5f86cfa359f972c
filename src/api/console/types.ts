/**
 * What the console and the server say to each other, under `/ossia/`. Plain data in camelCase; the console imports these
 * types and nothing else. Errors are `{"error": {"message", "code", "next"}}` with the status of the code.
 */
import type { ActEvent, ChatMessage, ChatOptions } from '../../chat/index.ts';
import type { SamplingOptions } from '../sampling.ts';

/** `POST /ossia/turns` → server-sent events, each a `ConsoleEvent`; they end with `end` or `error`. */
export interface TurnBody {
  /** Default: the server's. */
  readonly model?: string;
  readonly messages: readonly ChatMessage[];
  /** Whose pages and variables the tools go on with; any text up to 100 characters. */
  readonly conversation: string;
  readonly options?: TurnOptions;
  /** Names of the server's tools that may run in this turn (`ToolState.name`). */
  readonly enable?: readonly string[];
  /** Whether each token is told: `token` events with probability, alternatives and entropy. */
  readonly trace?: boolean;
}

export type TurnOptions = SamplingOptions &
  Pick<
    ChatOptions,
    | 'effort'
    | 'maxTokens'
    | 'maxReasoningTokens'
    | 'responseFormat'
    | 'toolChoice'
    | 'tools'
    | 'identity'
    | 'date'
    | 'stop'
    | 'truncation'
    | 'constrain'
  >;

export type ConsoleEvent =
  /** Comes first. `id` is what `stop`, `answer-now` and approvals name. */
  | { readonly type: 'begin'; readonly id: string; readonly model: string; readonly loadMs: number }
  /** With `trace`, once for every turn of the model: what it was given. */
  | { readonly type: 'prompt'; readonly tokens: readonly PromptToken[]; readonly cached: number }
  /** With `trace`: a token as it was chosen, before what it adds to the text. */
  | ({ readonly type: 'trace' } & OutputToken)
  | Exclude<ActEvent, { type: 'token' | 'prompt' }>
  | { readonly type: 'error'; readonly error: ConsoleError };

export interface ConsoleError {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** A token of the prompt or of the output: what it is and where it stands. */
export interface TokenText {
  readonly id: number;
  /** Its text; a piece of a character that is not whole shows as `\xe2\x80`. */
  readonly text: string;
  /** `<|start|>`, `<|channel|>` …: no text, whatever it looks like. */
  readonly control?: true;
}

export interface PromptToken extends TokenText {
  /** Who says it: the message that it belongs to. */
  readonly role: 'system' | 'developer' | 'user' | 'assistant' | 'tool';
  readonly channel?: string;
}

export interface OutputToken extends TokenText {
  /** The band: header tokens bear the channel that they open, as far as it is known. */
  readonly channel: 'analysis' | 'commentary' | 'final' | 'header';
  /** Of 0 to 1, before temperature and truncation. */
  readonly probability: number;
  /** Bits; of the distribution that the token was drawn from, before temperature and truncation. */
  readonly entropy?: number;
  /** The most probable ones, best first, this one included if it is among them. */
  readonly top: readonly (TokenText & { readonly probability: number })[];
  /** Nothing else could come. */
  readonly forced?: true;
}

/** `POST /ossia/turns/:id/stop`, `POST /ossia/turns/:id/answer-now` → `{"ok": true}`, or 404. */

/** `POST /ossia/turns/:id/approvals/:callId` → `{"ok": true}`, or 404. */
export interface ApprovalBody {
  readonly allowed: boolean;
  readonly reason?: string;
  /** Further calls of this function run in this conversation without asking. */
  readonly remember?: boolean;
}

/** `POST /ossia/render` → what the model would be given. Body: `TurnBody`. */
export interface Rendered {
  readonly tokens: readonly PromptToken[];
  readonly text: string;
}

/** `POST /ossia/routing`: which experts compute these tokens; computed anew, with the same bits as when they were sampled. */
export interface RoutingBody {
  readonly model?: string;
  /** Prompt and output; at most 4,096. */
  readonly ids: readonly number[];
  /** Tokens to tell of: those from here on. Default 0. */
  readonly from?: number;
}

export interface Routing {
  readonly layers: number;
  readonly experts: number;
  readonly picked: number;
  /** [layer][token][pick], best expert first; and the same shape. */
  readonly chosen: readonly (readonly (readonly number[])[])[];
  readonly weights: readonly (readonly (readonly number[])[])[];
}

/** `GET /ossia/tools` */
export interface ToolList {
  readonly tools: readonly ToolState[];
}

export interface ToolState {
  readonly name: string;
  readonly kind: 'browser' | 'python' | 'mcp' | 'patch';
  readonly description: string;
  /** `offline: 23 pages`, `searxng`; for MCP the functions' names. */
  readonly details: readonly string[];
  /** What the model gives it may leave this machine. */
  readonly reachesOut: boolean;
  /** Why it cannot be used now. */
  readonly problem?: string;
  readonly asksFirst: boolean;
}

/** `GET /ossia/models` */
export interface ModelList {
  readonly models: readonly ConsoleModel[];
  readonly machine: MachineFacts;
  /** Names that can be pulled, and are not here. */
  readonly known: readonly { readonly name: string; readonly description: string; readonly downloadBytes: number }[];
  /** Pulls that run. */
  readonly pulls: readonly PullState[];
}

export interface MachineFacts {
  readonly cpu: string;
  readonly threads: number;
  readonly memoryBytes: number;
  readonly freeMemoryBytes: number;
  readonly freeDiskBytes?: number;
  /** Measured once, when first asked for; absent while it has not been. */
  readonly bandwidthBytesPerSecond?: number;
  readonly backend: string;
}

export interface ConsoleModel {
  readonly name: string;
  readonly otherNames: readonly string[];
  readonly from?: string;
  readonly origin: 'embedded' | 'path' | 'hub' | 'ollama';
  readonly layout?: string;
  readonly sizeBytes: number;
  readonly isDefault: boolean;
  readonly shape?: {
    readonly layers: number;
    readonly experts: number;
    readonly picked: number;
    readonly contextLength: number;
  };
  /** By arithmetic, before it is loaded: does it fit, and how fast can it be here? */
  readonly estimate?: {
    readonly fits: boolean;
    readonly memory: MemoryParts;
    /** Upper bound: bytes read for a token against the measured bandwidth. */
    readonly decodeTokensPerSecond?: number;
  };
  readonly loaded?: {
    readonly contextLength: number;
    readonly memory: MemoryParts;
    readonly expires?: string;
    readonly leases: number;
    readonly backend?: string;
  };
}

/** Bytes. */
export interface MemoryParts {
  readonly experts: number;
  readonly dense: number;
  readonly kvCache: number;
}

/**
 * `POST /ossia/models/load` and `/unload` with `{"name"}` → `{"ok": true}`. `POST /ossia/models/pull` with `{"name"}` → 202 `PullState`;
 * `POST /ossia/models/pull/cancel` with `{"name"}`. Progress: `GET /ossia/models`.
 */
export interface PullState {
  readonly name: string;
  readonly status: 'running' | 'done' | 'failed' | 'cancelled';
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond: number;
  readonly file?: string;
  readonly error?: ConsoleError;
}

/** `GET /ossia/stats?since=<ms>&step=<seconds>`: samples after a time, thinned to a step (1, 10 or 60). Kept: an hour of seconds, a day of minutes. */
export interface Stats {
  /** Unix ms. */
  readonly now: number;
  readonly started: number;
  readonly samples: readonly StatsSample[];
}

/** `GET /ossia/stats/live`: server-sent `StatsSample`s, one a second. */
export interface StatsSample {
  readonly at: number;
  /** Rates over the sample's time. */
  readonly promptTokensPerSecond: number;
  readonly outputTokensPerSecond: number;
  readonly requestsPerSecond: number;
  readonly errorsPerSecond: number;
  /** As of its end. */
  readonly running: number;
  readonly waiting: number;
  readonly batchSize: number;
  /** 0 to 1, of the prompt tokens in its time; null where there were none. */
  readonly cacheHitRate: number | null;
  readonly kvBytesUsed: number;
  readonly kvBytesCapacity: number;
  readonly residentBytes: number;
  /** Milliseconds, of the requests that ended (first token: began) in its time; null where there were none. */
  readonly firstTokenMs: Percentiles | null;
  readonly tokenGapMs: Percentiles | null;
  readonly requestMs: Percentiles | null;
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}
