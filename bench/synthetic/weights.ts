import type { ModelConfig } from '../../src/model/index.ts';
import { ATTENTION, type Dialect, EXPERTS, LAYER_PREFIX, OUTER, type Row } from '../../src/model/weight-table.ts';

/** A weight to make: where it stands, and what its numbers look like. */
export interface SyntheticWeight {
  /** Names its random numbers. */
  readonly label: string;
  /** Its name in a dialect, without `_blocks` and the like. */
  name(dialect: Dialect): string;
  readonly role: Row['role'];
  readonly shape: readonly number[];
  /** Matrices and experts: the exponent of most scales. */
  readonly exponent: number;
  /** Vectors and the router. */
  readonly mean: number;
  readonly deviation: number;
  /** The gate's other half: Hugging Face stores its rows between the gate's. */
  readonly mate?: SyntheticWeight;
}

/** So that activations neither die nor explode, and logits have a spread of 3 or 4. A code of Q8_0 has an rms of 73, one of MXFP4 of 2.9. */
const EXPONENTS: Readonly<Record<string, number>> = {
  embedding: -7,
  unembedding: -10,
  q: -12,
  k: -12,
  v: -12,
  out: -13,
  gate: -7,
  linear: -7,
  down: -8,
};
const DEVIATIONS: Readonly<Record<string, number>> = {
  norm: 0.1,
  sinks: 1,
  qBias: 0.05,
  kBias: 0.05,
  vBias: 0.05,
  routerBias: 0.05,
};

/** Every weight of a model, in the order in which files have them. */
export function* syntheticWeights(config: ModelConfig): Generator<SyntheticWeight> {
  const outer = (key: keyof typeof OUTER) => describe(config, key, OUTER[key], key, () => '');
  yield outer('embedding');
  for (let layer = 0; layer < config.numLayers; layer++) {
    const prefix = (dialect: Dialect) => LAYER_PREFIX[dialect](layer);
    for (const [key, row] of Object.entries<Row>(ATTENTION)) {
      yield describe(config, key, row, `layers.${layer}.attention.${key}`, prefix);
    }
    const experts = new Map(
      Object.entries<Row>(EXPERTS).map(([key, row]) => [
        key,
        describe(config, key, row, `layers.${layer}.experts.${key}`, prefix),
      ]),
    );
    for (const [key, weight] of experts) {
      const mate = key.startsWith('gate') ? experts.get(key.replace('gate', 'linear')) : undefined;
      yield mate ? { ...weight, mate } : weight;
    }
  }
  yield outer('norm');
  yield outer('unembedding');
}

/** Whether Hugging Face has this weight inside another one's tensor. */
export function isMate({ label }: SyntheticWeight): boolean {
  return /\.linear(Bias)?$/.test(label);
}

/** The router is a matrix in bf16 and f32 alike; the embedding, of the same role in the table, is quantised. */
export function isQuantised({ label, role }: SyntheticWeight): boolean {
  return role === 'linear' || label === 'embedding';
}

function describe(
  config: ModelConfig,
  key: string,
  row: Row,
  label: string,
  prefix: (dialect: Dialect) => string,
): SyntheticWeight {
  return {
    label,
    role: row.role,
    shape: row.shape(config),
    exponent: EXPONENTS[key] ?? 0,
    mean: key === 'norm' ? 1 : 0,
    deviation: DEVIATIONS[key] ?? 0.02,
    name(dialect) {
      const source = row.sources[dialect][0]!;
      return prefix(dialect) + (typeof source === 'string' ? source : source.name);
    },
  };
}
