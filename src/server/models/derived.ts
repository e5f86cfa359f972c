import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { badRequest, type DerivedModel, type DerivedModels, type Preset } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';

export interface DerivedModelsOptions {
  /** A JSON file, made when the first model is. Absent: models last as long as the server. */
  readonly file?: string | undefined;
  /** Who a name belongs to among models with weights: their name, or undefined. */
  readonly base: (name: string) => Promise<string | undefined>;
  readonly now?: () => Date;
}

const MAX_MODELS = 1000;
const MAX_SYSTEM_LENGTH = 1 << 20;
/** Ollama's grammar: `model`, `namespace/model`, with a tag or without; never a path. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)?(?::[A-Za-z0-9_][A-Za-z0-9._-]*)?$/;

const storedParameters = z
  .object({
    temperature: z.number(),
    topP: z.number(),
    topK: z.number(),
    minP: z.number(),
    repetitionPenalty: z.number(),
    presencePenalty: z.number(),
    frequencyPenalty: z.number(),
    seed: z.number(),
    maxTokens: z.number(),
    stop: z.union([z.string(), z.array(z.string())]),
    effort: z.enum(['low', 'medium', 'high']),
  })
  .partial();

const stored = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      from: z.string(),
      modified: z.string(),
      system: z.string().optional(),
      parameters: storedParameters.optional(),
    }),
  ),
});

/** Derived models in a JSON file, which is replaced whole, one change after another. */
export class StoredDerivedModels implements DerivedModels {
  readonly #file: string | undefined;
  readonly #base: DerivedModelsOptions['base'];
  readonly #now: () => Date;
  #models: Promise<Map<string, DerivedModel>> | undefined;
  #line: Promise<unknown> = Promise.resolve();

  constructor({ file, base, now = () => new Date() }: DerivedModelsOptions) {
    this.#file = file;
    this.#base = base;
    this.#now = now;
  }

  create(name: string, { from, system, parameters }: { readonly from: string } & Preset): Promise<DerivedModel> {
    return this.#change(async (models) => {
      const key = await this.#newName(name, models);
      if ((system?.length ?? 0) > MAX_SYSTEM_LENGTH) {
        throw badRequest(`Expected system to have at most ${MAX_SYSTEM_LENGTH} characters`, 'system');
      }
      const parent = models.get(keyOf(from));
      const base = parent?.from ?? (await this.#base(from));
      if (base === undefined) {
        throw new OssiaError(
          'api/unknown-model',
          `Cannot make ${name}: there is no model ${JSON.stringify(from)} here`,
        );
      }
      const preset = inherit({ system, parameters }, parent);
      const model: DerivedModel = { name: key, from: base, modified: this.#now(), ...preset };
      models.set(key, model);
      return model;
    });
  }

  copy(from: string, to: string): Promise<DerivedModel> {
    return this.create(to, { from });
  }

  delete(name: string): Promise<boolean> {
    return this.#change(async (models) => models.delete(keyOf(name)));
  }

  async get(name: string): Promise<DerivedModel | undefined> {
    return (await this.#read()).get(keyOf(name));
  }

  async list(): Promise<readonly DerivedModel[]> {
    return [...(await this.#read()).values()];
  }

  async #newName(name: string, models: ReadonlyMap<string, DerivedModel>): Promise<string> {
    if (name.length > 200 || !NAME.test(name))
      throw badRequest(`${JSON.stringify(name)} cannot be a model's name`, 'model');
    if ((await this.#base(name)) !== undefined) {
      throw badRequest(`${name} is the name of a model with weights: choose another`, 'model');
    }
    const key = keyOf(name);
    if (!models.has(key) && models.size >= MAX_MODELS) {
      throw badRequest(`There are ${MAX_MODELS} derived models already: delete one first`, 'model');
    }
    return key;
  }

  /** One change at a time, on a copy: what cannot be written has not happened. */
  #change<T>(change: (models: Map<string, DerivedModel>) => Promise<T>): Promise<T> {
    const changed = this.#line.then(async () => {
      const models = new Map(await this.#read());
      const result = await change(models);
      await this.#write(models);
      this.#models = Promise.resolve(models);
      return result;
    });
    this.#line = changed.catch(() => {});
    return changed;
  }

  #read(): Promise<Map<string, DerivedModel>> {
    this.#models ??= this.#load().catch((error: unknown) => {
      this.#models = undefined;
      throw new OssiaError('server/store-failed', `Cannot read derived models from ${this.#file}`, { cause: error });
    });
    return this.#models;
  }

  async #load(): Promise<Map<string, DerivedModel>> {
    const text = this.#file === undefined ? undefined : await readFile(this.#file, 'utf8').catch(ifAbsent);
    const { models } = text === undefined ? { models: [] } : stored.parse(JSON.parse(text));
    return new Map(
      models.map(({ name, from, modified, system, parameters }) => [
        name,
        { name, from, modified: new Date(modified), ...inherit({ system, parameters: given(parameters) }, undefined) },
      ]),
    );
  }

  async #write(models: ReadonlyMap<string, DerivedModel>): Promise<void> {
    if (this.#file === undefined) return;
    const part = `${this.#file}.${randomUUID()}.part`;
    try {
      await mkdir(dirname(this.#file), { recursive: true });
      await writeFile(part, `${JSON.stringify({ models: [...models.values()] }, null, 2)}\n`, {
        mode: 0o600,
        flush: true,
      });
      await rename(part, this.#file);
    } catch (error) {
      throw new OssiaError('server/store-failed', `Cannot write derived models to ${this.#file}`, { cause: error });
    }
  }
}

/** `name` and `name:latest` are one model. */
function keyOf(name: string): string {
  return name.replace(/:latest$/, '');
}

/** A preset with its parent's where it says nothing. */
function inherit(
  {
    system,
    parameters,
  }: { readonly system?: string | undefined; readonly parameters?: Preset['parameters'] | undefined },
  parent: Preset | undefined,
): Preset {
  const instructions = system ?? parent?.system;
  const all = { ...parent?.parameters, ...parameters };
  return {
    ...(instructions === undefined ? {} : { system: instructions }),
    ...(Object.keys(all).length === 0 ? {} : { parameters: all }),
  };
}

/** Without the keys that are there and undefined. */
function given(parameters: z.infer<typeof storedParameters> | undefined): Preset['parameters'] {
  return Object.fromEntries(Object.entries(parameters ?? {}).filter(([, value]) => value !== undefined));
}

function ifAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
