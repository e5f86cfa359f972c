import type {
  ConsoleModel,
  Host,
  MachineFacts,
  MemoryParts,
  ModelCard,
  ModelDescription,
  ModelList,
  PullState,
} from '../../api/index.ts';
import { type KnownModel, knownModels } from '../../checkpoint/index.ts';
import { published, weightBytes } from '../machine/index.ts';

/** Descriptions that are kept; more models than this are described anew each time. */
const MAX_KEPT = 200;

/** The models here as the console shows them. */
export class ModelLister {
  readonly #host: Host;
  /** By name and time: reading the headers of a large file again and again would be slow. */
  readonly #described = new Map<string, Promise<ModelDescription | undefined>>();

  constructor(host: Host) {
    this.#host = host;
  }

  async list(machine: MachineFacts, pulls: readonly PullState[]): Promise<ModelList> {
    const [cards, standard] = await Promise.all([
      this.#host.models(),
      this.#host.defaultName?.().catch(() => undefined),
    ]);
    const isDefault = (card: ModelCard, index: number) =>
      standard === undefined ? index === 0 : namesOf(card).includes(standard);
    const models = cards.map(async (card, index) =>
      asModel(card, isDefault(card, index), await this.#describe(card), machine),
    );
    const here = new Set(cards.flatMap(namesOf));
    return {
      models: await Promise.all(models),
      machine,
      known: knownModels.filter(isMissing(here)).map(asKnown),
      pulls,
    };
  }

  #describe(card: ModelCard): Promise<ModelDescription | undefined> {
    const key = `${card.name} ${card.modified.getTime()} ${card.sizeBytes}`;
    const known = this.#described.get(key);
    if (known) return known;
    if (this.#described.size >= MAX_KEPT) this.#described.clear();
    const description = (async () => this.#host.describe?.(card.name))().catch(() => {
      this.#described.delete(key); // damaged, or gone meanwhile
      return undefined;
    });
    this.#described.set(key, description);
    return description;
  }
}

function namesOf({ name, otherNames = [] }: ModelCard): readonly string[] {
  return [name, ...otherNames];
}

function asModel(
  card: ModelCard,
  isDefault: boolean,
  description: ModelDescription | undefined,
  { bandwidthBytesPerSecond: bandwidth }: MachineFacts,
): ConsoleModel {
  const { name, otherNames = [], from, origin, layout, sizeBytes, loaded } = card;
  const { config, needs } = description ?? {};
  const weights = needs ?? { experts: 0, dense: sizeBytes };
  const memory = (kvCache: number): MemoryParts => ({ experts: weights.experts, dense: weights.dense, kvCache });
  return {
    name,
    otherNames,
    ...(from === undefined ? {} : { from }),
    origin,
    ...(layout === undefined ? {} : { layout }),
    sizeBytes,
    isDefault,
    ...(config === undefined
      ? {}
      : {
          shape: {
            layers: config.numLayers,
            experts: config.numExperts,
            picked: config.expertsPerToken,
            contextLength: config.maxContextLength,
          },
        }),
    ...(needs === undefined
      ? {}
      : {
          estimate: {
            fits: needs.fits,
            memory: memory(needs.kvCache),
            ...(bandwidth === undefined ? {} : { decodeTokensPerSecond: bandwidth / needs.perToken }),
          },
        }),
    ...(loaded === undefined
      ? {}
      : {
          loaded: {
            contextLength: loaded.contextLength,
            memory: memory(Math.max(0, loaded.memoryBytes - weights.experts - weights.dense)),
            ...(loaded.expires === undefined ? {} : { expires: loaded.expires.toISOString() }),
            leases: loaded.leases,
            ...(loaded.backend === undefined ? {} : { backend: loaded.backend }),
          },
        }),
  };
}

function isMissing(here: ReadonlySet<string>) {
  return ({ aliases, hub }: KnownModel) => ![hub, ...aliases].some((name) => here.has(name));
}

function asKnown({ aliases, hub }: KnownModel): ModelList['known'][number] {
  const isLarge = hub.includes('120b');
  const kind = hub.includes('safeguard') ? ', trained to judge texts by a policy that you write' : '';
  const size = isLarge
    ? '117 billion parameters, 5.1 billion for each token'
    : '21 billion parameters, 3.6 billion for each token';
  const dimensions = published[isLarge ? 'gpt-oss-120b' : 'gpt-oss-20b'];
  return { name: aliases[0] ?? hub, description: `${size}${kind}`, downloadBytes: weightBytes(dimensions, 'bf16') };
}
