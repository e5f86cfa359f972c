import { stat } from 'node:fs/promises';
import { OssiaError } from '../../base/index.ts';
import {
  type KnownModel,
  knownModel,
  knownModels,
  listModels,
  openCheckpoint,
  type ResolvedModel,
  type ResolveOptions,
  resolveModel,
  type StoredModel,
} from '../../checkpoint/index.ts';
import { type Clock, systemClock } from './clock.ts';

/** A model with weights of its own that may be lent. */
export interface ModelSource
  extends Pick<StoredModel, 'name' | 'origin' | 'path' | 'layout' | 'sizeBytes' | 'modified'> {
  /** What `load` takes. */
  readonly load: string;
}

export interface CatalogOptions {
  /** A name, or a path: the only one that is ever opened. */
  readonly defaultModel: string;
  readonly stores?: ResolveOptions | undefined;
  /** Further names, by what they stand for. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  readonly clock?: Clock | undefined;
}

/** How long a listing of the stores is good for: one request is often several look-ups. */
const LISTING_MS = 1000;
const MAX_NAME_LENGTH = 256;

/**
 * Which models can be asked for. Names come from the network, so they are only ever compared with names that are known:
 * what the stores list, the default, and aliases. None becomes a path.
 */
export class Catalog {
  readonly #options: CatalogOptions;
  readonly #aliases: ReadonlyMap<string, string>;
  readonly #clock: Clock;
  #listing: { readonly models: Promise<readonly ModelSource[]>; readonly until: number } | undefined;
  #default: Promise<ModelSource> | undefined;

  constructor(options: CatalogOptions) {
    this.#options = options;
    this.#aliases = new Map(Object.entries(options.aliases ?? {}));
    this.#clock = options.clock ?? systemClock;
  }

  get aliases(): ReadonlyMap<string, string> {
    return this.#aliases;
  }

  /** What the default is called. Rejects with `store/…` or `checkpoint/…` when it is not there. */
  async defaultName(): Promise<string> {
    const { name, origin } = await this.default();
    return origin === 'path' ? name : this.#options.defaultModel;
  }

  /** The default. Rejects with `store/…` or `checkpoint/…` when it is not there; the next call looks again. */
  default(): Promise<ModelSource> {
    this.#default ??= this.#findDefault().catch((error: unknown) => {
      this.#default = undefined;
      throw error;
    });
    return this.#default;
  }

  /** All that are complete, the default first. */
  async all(): Promise<readonly ModelSource[]> {
    const listed = await this.#listed();
    const first = await this.default().catch(() => undefined);
    return first === undefined ? listed : [first, ...listed.filter(({ path }) => path !== first.path)];
  }

  /** The model of a name; undefined for a name that is not known. Ollama's `:latest` may be left out or added. */
  async find(asked: string): Promise<ModelSource | undefined> {
    if (asked.length > MAX_NAME_LENGTH) return undefined;
    const name = this.#aliases.get(asked) ?? this.#aliases.get(withoutLatest(asked)) ?? asked;
    const first = await this.default().catch(() => undefined);
    if (first && [name, withoutLatest(name)].some((text) => text === first.name || text === this.#defaultAlias(first)))
      return first;
    const models = await this.all();
    for (const wanted of [name, withoutLatest(name), `${name}:latest`]) {
      const known = knownModel(wanted) ?? knownModels.find(({ hub, gguf }) => hub === wanted || gguf === wanted);
      const names = known === undefined ? [wanted] : namesOf(known, wanted);
      const found = names.map((text) => models.find((model) => model.name === text)).find(Boolean);
      if (found) return found;
    }
    return undefined;
  }

  /** Something was downloaded or removed: look again. */
  refresh(): void {
    this.#listing = undefined;
    this.#default = undefined;
  }

  /** `api/unknown-model`, with what is here. */
  async unknown(name: string, others: readonly string[] = []): Promise<OssiaError> {
    const here = [...(await this.all()).map((model) => model.name), ...this.#aliases.keys(), ...others];
    const shown = JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
    return new OssiaError('api/unknown-model', `There is no model ${shown} here; there is ${here.join(', ')}`, {
      details: { param: 'model' },
    });
  }

  /** The default as it was written, unless that is a path: paths are nobody's business. */
  #defaultAlias({ origin }: ModelSource): string | undefined {
    return origin === 'path' ? undefined : this.#options.defaultModel;
  }

  async #findDefault(): Promise<ModelSource> {
    const resolved = await resolveModel(this.#options.defaultModel, this.#options.stores);
    const listed = (await this.#listed()).find(({ path, name }) => path === resolved.path && name === resolved.name);
    return listed ?? (await describe(resolved));
  }

  #listed(): Promise<readonly ModelSource[]> {
    const now = this.#clock.now();
    if (this.#listing === undefined || this.#listing.until <= now) {
      const models = listModels(this.#options.stores).then(complete);
      this.#listing = { models, until: now + LISTING_MS };
      models.catch(() => {
        this.#listing = undefined;
      });
    }
    return this.#listing.models;
  }
}

function complete(models: readonly StoredModel[]): readonly ModelSource[] {
  return models.filter(({ status }) => status === 'complete').map((model) => ({ ...model, load: model.name }));
}

/** A model that no store lists: the one that the command line named by its path. */
async function describe({ name, path, origin, layout }: ResolvedModel): Promise<ModelSource> {
  const { mtime } = await stat(path);
  const checkpoint = await openCheckpoint(path);
  const sizeBytes = checkpoint.files.reduce((sum, file) => sum + file.sizeBytes, 0);
  checkpoint.close();
  return { name, path, origin, layout, sizeBytes, modified: mtime, load: origin === 'path' ? path : name };
}

/** In the order in which a name is looked for; one that is meant exactly comes first. */
function namesOf({ hub, gguf, ollama }: KnownModel, wanted: string): string[] {
  const names = [hub, ...(gguf === undefined ? [] : [gguf]), ollama];
  return names.includes(wanted) && wanted !== ollama ? [wanted, ...names] : names;
}

function withoutLatest(name: string): string {
  return name.replace(/:latest$/, '');
}

/** Names that a model answers to besides its own. */
export function otherNames(name: string): readonly string[] {
  const known = knownModels.find(({ hub, gguf, ollama }) => [hub, gguf, ollama].includes(name));
  return known === undefined ? [] : [known.ollama, known.hub].filter((other) => other !== name);
}
