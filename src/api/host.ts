import type { LoadedModel } from '../chat/index.ts';
import type { PullEvent } from '../checkpoint/index.ts';
import type { ModelConfig } from '../model/index.ts';
import type { Preset } from './preset.ts';

/** What the wire formats need of whoever keeps the models. */
export interface Host {
  /**
   * Lends a model for one request, loading it if need be; undefined: the default model. Rejects with `api/unknown-model`,
   * `store/…` or `checkpoint/…` when it cannot be had.
   */
  lend(name: string | undefined, options?: LendOptions): Promise<Lease>;
  /** The models that can be asked for by name. */
  models(): Promise<readonly ModelCard[]>;
  /** What a request without a name gets. Rejects when it is not there. */
  defaultName?(): Promise<string>;
  /** What is free where `pull` puts models; undefined where nobody knows. */
  freeDiskBytes?(): Promise<number | undefined>;
  /** Unloads a model once its last lease is released. False when it is not loaded. Rejects with `api/unknown-model`. */
  unload?(name: string): Promise<boolean>;
  /** A model by any of its names, be it loaded or not. Rejects with `api/unknown-model` or `checkpoint/…`. */
  describe?(name: string): Promise<ModelDescription>;
  /** Downloads a model, or completes it; then it can be asked for. Throws `store/…`. Absent where nothing is downloaded. */
  pull?(name: string, options: { readonly signal: AbortSignal }): AsyncIterable<PullEvent>;
  /** Unloads a model with weights and removes its files. Rejects with `api/unknown-model` or `store/…`. */
  remove?(name: string): Promise<void>;
  /** Models that people make of others. Absent where they cannot be kept. */
  readonly derived?: DerivedModels;
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
  /** What the name stands for besides the model: see `withPreset`. */
  readonly preset?: Preset;
  /** Harmless when repeated. */
  release(): void;
}

export interface ModelDescription {
  /** As on its card. */
  readonly name: string;
  readonly config: ModelConfig;
  /** By arithmetic, what it takes here. Absent where nobody can say. */
  readonly needs?: ModelNeeds;
}

/** Bytes, of a model that is loaded as this host loads it. */
export interface ModelNeeds {
  /** Weights. */
  readonly experts: number;
  readonly dense: number;
  /** The KV cache at its largest. */
  readonly kvCache: number;
  /** Weights that decoding one token reads. */
  readonly perToken: number;
  /** Whether all of it is within what the host may take. */
  readonly fits: boolean;
}

/** A model that can be asked for. */
export interface ModelCard {
  readonly name: string;
  /** What else it answers to: `gpt-oss:20b` of `openai/gpt-oss-20b`. */
  readonly otherNames?: readonly string[];
  /** The model that this name is made of; absent for models with weights of their own. */
  readonly from?: string;
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
    /** What computes: `cpu: avx512-vnni, 4 threads`. */
    readonly backend?: string;
  };
}

/** A name for a model with instructions and parameters of its own, as Ollama's Modelfiles make them. */
export interface DerivedModel extends Preset {
  readonly name: string;
  /** A model with weights of its own. */
  readonly from: string;
  readonly modified: Date;
}

/** Derived models; what is kept here outlives the server. Names of models with weights are not theirs to take. */
export interface DerivedModels {
  /**
   * Makes a model, in the place of one of the same name. When `from` is derived itself, its preset stands where this one says
   * nothing. Rejects with `api/unknown-model` (no such base) or `api/bad-request` (a name that cannot be).
   */
  create(name: string, definition: { readonly from: string } & Preset): Promise<DerivedModel>;
  /** The same under another name. `from` may be any model here. */
  copy(from: string, to: string): Promise<DerivedModel>;
  /** False when there is no such derived model. */
  delete(name: string): Promise<boolean>;
  get(name: string): Promise<DerivedModel | undefined>;
  list(): Promise<readonly DerivedModel[]>;
}
