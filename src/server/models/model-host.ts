import { join } from 'node:path';
import type { DerivedModel, Host, Lease, LendOptions, ModelCard, ModelDescription, Preset } from '../../api/index.ts';
import { type LoadedModel, type LoadOptions, load } from '../../chat/index.ts';
import { openCheckpoint, type PullEvent, pull, removeModel, storePlaces } from '../../checkpoint/index.ts';
import type { EngineStats } from '../../engine/index.ts';
import { readConfig } from '../../model/index.ts';
import { cardOfAnother, cardsOf } from './cards.ts';
import { Catalog, type ModelSource } from './catalog.ts';
import type { Clock } from './clock.ts';
import { StoredDerivedModels } from './derived.ts';
import { freeBytesAt } from './disk.ts';
import { measureModel } from './footprint.ts';
import { defaultMemoryBytes } from './memory.ts';
import { needsOf } from './needs.ts';
import { ModelPool, type PoolLoader } from './pool.ts';

export interface ModelHostOptions {
  /** A name, or a path: what is lent when a request names no model. Default `ossia-nano`. */
  readonly defaultModel?: string;
  /** How models are loaded, and where they are kept. */
  readonly load?: LoadOptions;
  /** How long models stay after their last request, in ms. Default five minutes. */
  readonly keepAliveMs?: number;
  /** The same for the default model. Default: for good. */
  readonly defaultKeepAliveMs?: number;
  /** For weights and KV caches together. Default: nine tenths of what the machine, or the container, has. */
  readonly maxMemoryBytes?: number;
  /** Models at a time. Default: as many as fit. */
  readonly maxLoaded?: number;
  /** How long a request waits while others use the memory that its model needs, in ms. Default a minute. */
  readonly patienceMs?: number;
  /** Further names, by what they stand for. */
  readonly aliases?: Readonly<Record<string, string>>;
  /** Where derived models are kept. Default: nowhere, they last as long as the host. */
  readonly dataDirectory?: string;
  readonly clock?: Clock;
  /** What loads models, for tests. */
  readonly loader?: ModelLoader;
}

export interface ModelLoader {
  measure(source: ModelSource, maxBytes: number): Promise<{ readonly bytes: number; readonly context?: number }>;
  load(source: ModelSource, context: number | undefined): Promise<LoadedModel>;
}

const FIVE_MINUTES_MS = 5 * 60_000;

/**
 * The models of one server: found by name, loaded when asked for, unloaded when nobody does or memory is short.
 *
 *     const host = new ModelHost({ defaultModel: 'gpt-oss:20b' });
 *     const lease = await host.lend(undefined);
 *     try { … lease.model.chat(…) } finally { lease.release(); }
 *     await host.close();
 */
export class ModelHost implements Host {
  readonly derived: StoredDerivedModels;
  readonly maxMemoryBytes: number;
  readonly #options: ModelHostOptions;
  readonly #catalog: Catalog;
  readonly #pool: ModelPool<LoadedModel>;
  readonly #loader: ModelLoader;

  constructor(options: ModelHostOptions = {}) {
    const { defaultModel = 'ossia-nano', aliases, clock, dataDirectory } = options;
    const { stores, revision } = options.load ?? {};
    this.#options = options;
    this.#catalog = new Catalog({ defaultModel, stores: { ...stores, revision }, aliases, clock });
    this.maxMemoryBytes = options.maxMemoryBytes ?? defaultMemoryBytes();
    this.#pool = new ModelPool({ ...options, maxMemoryBytes: this.maxMemoryBytes });
    this.#loader = options.loader ?? checkpointLoader(options.load ?? {});
    this.derived = new StoredDerivedModels({
      file: dataDirectory === undefined ? undefined : join(dataDirectory, 'models.json'),
      base: async (name) => (await this.#catalog.find(name))?.name,
    });
  }

  /** Bytes that loaded models take at most, those that load or close included. */
  get memoryBytes(): number {
    return this.#pool.memoryBytes;
  }

  async lend(name: string | undefined, options: LendOptions = {}): Promise<Lease> {
    const { source, derived } = await this.#find(name);
    const shown = name ?? (await this.#catalog.defaultName());
    const hold = await this.#acquire(source, options);
    return { ...hold, name: shown, ...(derived === undefined ? {} : { preset: presetOf(derived) }) };
  }

  async models(): Promise<readonly ModelCard[]> {
    const cards = cardsOf(await this.#catalog.all(), this.#pool.loaded);
    const aliases = [...this.#catalog.aliases.keys()].map(async (name) => {
      const from = (await this.#catalog.find(name))?.name;
      return from === undefined ? [] : cardOfAnother(name, from, cards);
    });
    const derived = (await this.derived.list()).flatMap(({ name, from, modified }) =>
      cardOfAnother(name, from, cards).map((card) => ({ ...card, modified })),
    );
    return [...cards, ...(await Promise.all(aliases)).flat(), ...derived];
  }

  /** Loads models before anybody asks for them; with no names, the default. They go when their keep-alive is over. */
  async preload(names: readonly (string | undefined)[] = [undefined]): Promise<void> {
    for (const name of names) (await this.lend(name)).release();
  }

  async unload(name: string): Promise<boolean> {
    const { source } = await this.#find(name);
    return await this.#pool.unload(source.path);
  }

  async describe(name: string): Promise<ModelDescription> {
    const { source, derived } = await this.#find(name);
    const checkpoint = await openCheckpoint(source.path);
    try {
      const config = readConfig(checkpoint);
      const needs = needsOf(checkpoint, config, this.#options.load ?? {}, this.maxMemoryBytes);
      return { name: derived?.name ?? source.name, config, needs };
    } finally {
      checkpoint.close();
    }
  }

  defaultName(): Promise<string> {
    return this.#catalog.defaultName();
  }

  async freeDiskBytes(): Promise<number | undefined> {
    return await freeBytesAt(storePlaces(this.#options.load?.stores ?? {}).hubCache);
  }

  async *pull(name: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<PullEvent, void, undefined> {
    try {
      yield* pull(name, { ...this.#options.load?.stores, signal });
    } finally {
      this.#catalog.refresh();
    }
  }

  async remove(name: string): Promise<void> {
    const source = await this.#catalog.find(name);
    if (source === undefined) throw await this.#catalog.unknown(name);
    await this.#pool.unload(source.path);
    try {
      await removeModel(source.name, this.#options.load?.stores);
    } finally {
      this.#catalog.refresh();
    }
  }

  /** What the engines of all loaded models do, by model. */
  async stats(): Promise<readonly { readonly name: string; readonly stats: EngineStats }[]> {
    const asked = this.#pool.loaded.map(async ({ model }) => ({ name: model!.name, stats: await model!.stats() }));
    const answers = await Promise.allSettled(asked); // one that is closed meanwhile has nothing to say
    return answers.flatMap((answer) => {
      if (answer.status === 'rejected' || answer.value.stats === undefined) return [];
      return [{ name: answer.value.name, stats: answer.value.stats }];
    });
  }

  /** Lends no more, waits for leases so long, then closes all models. */
  async close(graceMs = 0): Promise<void> {
    await this.#pool.close(graceMs);
  }

  async #find(name: string | undefined): Promise<{ readonly source: ModelSource; readonly derived?: DerivedModel }> {
    if (name === undefined) return { source: await this.#catalog.default() };
    const source = await this.#catalog.find(name);
    if (source) return { source };
    const derived = await this.derived.get(this.#catalog.aliases.get(name) ?? name);
    const base = derived && (await this.#catalog.find(derived.from));
    if (derived && base) return { source: base, derived };
    throw await this.#catalog.unknown(
      name,
      (await this.derived.list()).map((model) => model.name),
    );
  }

  async #acquire(source: ModelSource, { keepAliveMs, signal }: LendOptions) {
    const isDefault = (await this.#catalog.default().catch(() => undefined))?.path === source.path;
    const { keepAliveMs: usual = FIVE_MINUTES_MS, defaultKeepAliveMs = Number.POSITIVE_INFINITY } = this.#options;
    return await this.#pool.acquire(source.path, this.#poolLoader(source), {
      keepAliveMs,
      signal,
      defaultKeepAliveMs: isDefault ? defaultKeepAliveMs : usual,
    });
  }

  #poolLoader(source: ModelSource): PoolLoader<LoadedModel> {
    let context: number | undefined;
    return {
      measure: async () => {
        const measured = await this.#loader.measure(source, this.maxMemoryBytes);
        context = measured.context;
        return measured.bytes;
      },
      load: () => this.#loader.load(source, context),
    };
  }
}

function presetOf({ system, parameters }: Preset): Preset {
  return { ...(system === undefined ? {} : { system }), ...(parameters === undefined ? {} : { parameters }) };
}

/** Loads what the stores hold, each with a context that fits. */
function checkpointLoader(options: LoadOptions): ModelLoader {
  return {
    async measure({ name, path }, maxBytes) {
      const footprint = await measureModel(name, path, options, maxBytes);
      return { bytes: footprint.weightsBytes + footprint.kvBytes, context: footprint.context };
    },
    load: (source, context) => load(source.load, { ...options, ...(context === undefined ? {} : { context }) }),
  };
}
