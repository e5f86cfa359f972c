import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Bars of a sequence, as `case.json` writes them; test/golden/README.md says what they mean. */
export interface Bars {
  readonly exact: { readonly max_abs: number; readonly mean_abs: number; readonly same_top1_where_gap_over: number };
  readonly int8_activations: QuantisedBars;
  readonly int8_all: QuantisedBars;
}

export interface QuantisedBars {
  readonly kl_mean: number;
  readonly kl_p99?: number;
  readonly top1?: number;
  readonly 'top1_where_gap_over_0.5'?: number;
}

export interface GoldenSequence {
  readonly name: string;
  readonly tokens: readonly number[];
  readonly positions: 'all' | readonly number[];
  /** Name of the F32 tensor [positions, vocab] in logits.safetensors. */
  readonly logits: string;
  readonly tolerance: Bars;
}

export interface GoldenCase {
  readonly directory: string;
  readonly sequences: readonly GoldenSequence[];
  readonly greedy?: { readonly prompt: readonly number[]; readonly continuation: readonly number[] };
}

export function goldenDirectory(name: string): string {
  return fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
}

export function goldenCase(name: string): GoldenCase {
  const directory = goldenDirectory(name);
  return { ...JSON.parse(readFileSync(`${directory}/case.json`, 'utf8')), directory };
}

/** The tensors of a small safetensors file of F32 and I32. */
export function readNumbers(
  path: string,
): ReadonlyMap<string, { shape: readonly number[]; values: Float32Array | Int32Array }> {
  const file = readFileSync(path);
  const headerEnd = 8 + Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, headerEnd).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  return new Map(
    entries.map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [start, end],
        },
      ]) => {
        const bytes = new Uint8Array(file.subarray(headerEnd + start, headerEnd + end)).buffer;
        return [name, { shape, values: dtype === 'I32' ? new Int32Array(bytes) : new Float32Array(bytes) }];
      },
    ),
  );
}

/** Rows of logits against the reference's, one by one. */
export class Comparison {
  readonly #expected: Float32Array;
  readonly #vocab: number;
  #maxAbs = 0;
  #sumSquares = 0;
  #sumAbs = 0;
  readonly #rows: { kl: number; same: boolean; gap: number }[] = [];

  constructor(expected: Float32Array, vocab: number) {
    this.#expected = expected;
    this.#vocab = vocab;
  }

  add(index: number, logits: Float32Array): void {
    const expected = this.#expected.subarray(index * this.#vocab, (index + 1) * this.#vocab);
    for (let i = 0; i < this.#vocab; i++) {
      const error = Math.abs(logits[i]! - expected[i]!);
      assert.ok(Number.isFinite(error), `row ${index} holds ${logits[i]} at ${i}`);
      this.#maxAbs = Math.max(this.#maxAbs, error);
      this.#sumAbs += error;
      this.#sumSquares += error * error;
    }
    const [best, second] = topTwo(expected);
    const gap = expected[best]! - expected[second]!;
    this.#rows.push({ kl: divergence(expected, logits), same: topTwo(logits)[0] === best, gap });
  }

  /** Exact weights and f32 arithmetic, in any order of summation. */
  assertExact(bars: Bars['exact']): void {
    this.#assertComplete();
    const meanAbs = this.#sumAbs / this.#expected.length;
    assert.ok(this.#maxAbs <= bars.max_abs, `max abs ${this.#maxAbs} exceeds ${bars.max_abs}`);
    assert.ok(meanAbs <= bars.mean_abs, `mean abs ${meanAbs} exceeds ${bars.mean_abs}`);
    const flipped = this.#rows.findIndex(({ same, gap }) => !same && gap > bars.same_top1_where_gap_over);
    assert.equal(flipped, -1, `another best token in row ${flipped}`);
  }

  /** Activations, and perhaps dense weights, rounded to 8 bits. */
  assertQuantised(bars: QuantisedBars): void {
    const found = this.figures();
    assert.ok(found.kl_mean <= bars.kl_mean, `mean KL ${found.kl_mean} exceeds ${bars.kl_mean}`);
    if (bars.kl_p99 !== undefined)
      assert.ok(found.kl_p99 <= bars.kl_p99, `p99 of KL ${found.kl_p99} exceeds ${bars.kl_p99}`);
    for (const key of ['top1', 'top1_where_gap_over_0.5'] as const) {
      assert.ok(found[key] >= (bars[key] ?? 0), `${key} ${found[key]} is below ${bars[key]}`);
    }
  }

  /** KL(reference ‖ candidate) in nats over positions, and how often the best token is the same. */
  figures(): Required<QuantisedBars> & { readonly max_abs: number; readonly rms: number } {
    this.#assertComplete();
    const kls = this.#rows.map(({ kl }) => kl).sort((a, b) => a - b);
    return {
      kl_mean: kls.reduce((sum, kl) => sum + kl, 0) / kls.length,
      kl_p99: kls[Math.ceil(0.99 * kls.length) - 1]!,
      top1: share(this.#rows),
      'top1_where_gap_over_0.5': share(this.#rows.filter(({ gap }) => gap > 0.5)),
      max_abs: this.#maxAbs,
      rms: Math.sqrt(this.#sumSquares / this.#expected.length),
    };
  }

  #assertComplete(): void {
    assert.equal(this.#rows.length, this.#expected.length / this.#vocab, 'rows compared');
  }
}

function share(rows: readonly { same: boolean }[]): number {
  return rows.filter(({ same }) => same).length / rows.length;
}

/** Indices of the two largest values. */
function topTwo(row: Float32Array): [number, number] {
  let [best, second] = row[1]! > row[0]! ? [1, 0] : [0, 1];
  for (let i = 2; i < row.length; i++) {
    if (row[i]! > row[best]!) [best, second] = [i, best];
    else if (row[i]! > row[second]!) second = i;
  }
  return [best, second];
}

/** Index of the largest value. */
export function argmax(row: Float32Array): number {
  return topTwo(row)[0];
}

/** KL(expected ‖ found) in nats. */
function divergence(expected: Float32Array, found: Float32Array): number {
  const [p, q] = [logSoftmax(expected), logSoftmax(found)];
  return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - q[i]!), 0);
}

function logSoftmax(row: Float32Array): Float64Array {
  const max = row.reduce((a, b) => Math.max(a, b));
  const sum = row.reduce((total, x) => total + Math.exp(x - max), 0);
  return Float64Array.from(row, (x) => x - max - Math.log(sum));
}
