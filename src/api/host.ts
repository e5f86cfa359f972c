import type { LoadedModel } from '../chat/index.ts';

/** What the wire formats need of whoever keeps the models. */
export interface Host {
  /**
   * Lends a model for one request, loading it if need be; undefined: the default model. Rejects with `api/unknown-model`,
   * `store/…` or `checkpoint/…` when it cannot be had.
   */
  lend(name: string | undefined, options?: LendOptions): Promise<Lease>;
  /** The models that can be asked for by name. */
  models(): Promise<readonly ModelCard[]>;
}

export interface LendOptions {
  /** How long the model stays loaded after its last request, in ms; Infinity: for good; 0: not at all. Default: the server's. */
  readonly keepAliveMs?: number;
  /** Whoever asked has left: loading goes on for others, but nobody waits. */
  readonly signal?: AbortSignal;
}

/** A model in use: it is not unloaded before every lease on it is released. */
export interface Lease {
  readonly model: LoadedModel;
  /** The name under which it was asked for, or the default's: what responses call the model. */
  readonly name: string;
  /** Milliseconds that this request waited for the model to load; 0 when it was there. */
  readonly loadMs: number;
  /** Harmless when repeated. */
  release(): void;
}

/** A model that can be asked for. */
export interface ModelCard {
  readonly name: string;
  readonly origin: 'embedded' | 'path' | 'hub' | 'ollama';
  readonly sizeBytes: number;
  readonly modified: Date;
  readonly layout: 'huggingface' | 'original' | 'gguf' | undefined;
  /** Only while it is loaded. */
  readonly loaded?: {
    readonly contextLength: number;
    /** Weights and KV cache at their largest, in bytes. */
    readonly memoryBytes: number;
    /** When it goes, if nobody asks for it before; undefined: it stays. */
    readonly expires: Date | undefined;
    readonly leases: number;
  };
}
