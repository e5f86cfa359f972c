import type { HostTensor } from '../tensor/index.ts';

/**
 * The ops that gpt-oss needs, and no others. `reference` defines each in plain TypeScript; every other
 * backend is tested against it (conformance.ts).
 *
 * A Step records ops, and `read` runs them: one design serves a thread pool and a GPU queue. Values never come
 * back before `read`, so the router's choice stays inside the backend.
 */
export interface Backend {
  /** `reference` or `cpu`. */
  readonly name: string;
  /** For people: `cpu: avx512-vnni, 4 threads`. */
  readonly description: string;
  /** Makes a weight usable, without copying where the backend can read it in place. Lives until `dispose`. */
  upload(tensor: HostTensor, options?: UploadOptions): Weight;
  allocateKv(shape: KvShape): KvPool;
  begin(): Step;
  dispose(): void;
}

export interface UploadOptions {
  /** Convert f32, f16 and bf16 matrices to 8-bit codes with one f32 scale per 32 columns. Other tensors stay as they are. */
  readonly dense?: 'q8';
}

/** A weight on the backend. */
export interface Weight {
  readonly shape: readonly number[];
  readonly label: string;
}

/** An activation: recorded, not yet computed. Belongs to one step. */
export interface Tensor {
  readonly shape: readonly number[];
}

/** Which experts each token asks, best first, and how much each answer counts. */
export interface Routing {
  /** [tokens, picked], read as integers stored in f32. */
  readonly experts: Tensor;
  /** [tokens, picked], each row adds to 1. */
  readonly weights: Tensor;
}

/** What one KV pool stores: `blockSize` consecutive positions of every layer in it, per block. */
export interface KvShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Positions in a block; blocks begin at absolute positions that are multiples of it. */
  readonly blockSize: number;
  /** Default 16. */
  readonly bits?: KvBits;
}

/**
 * How keys and values are rounded when they are written. 16: to f16 on `cpu`, not at all on `reference`. 8, on both: 32 dimensions of
 * a head share scale = amax / 127, rounded up to bf16; code = nearest even(x / scale). A NaN or an infinity makes the scale NaN.
 */
export type KvBits = 8 | 16;

/** Keys (after RoPE) and values, in blocks that sequences address through tables. Owned by the backend. */
export interface KvPool {
  readonly shape: KvShape;
  readonly numBlocks: number;
  readonly bytesPerBlock: number;
  /** Makes room for block ids below `numBlocks`; earlier blocks keep their contents. Throws `backend/out-of-memory`. */
  grow(numBlocks: number): void;
  /** Makes block `to` equal to block `from`, in every layer. Not while a step runs. */
  copy(from: number, to: number): void;
  dispose(): void;
}

/** Where the tokens of a step stand, and where the keys that they may see lie. */
export interface KvView {
  /** [tokens] absolute position of each token. */
  readonly positions: Int32Array;
  /** [tokens] row of `tables` for each token. */
  readonly sequences: Int32Array;
  /** [sequences, tableWidth] block id for positions [i * blockSize, (i + 1) * blockSize); −1 where nothing is kept. */
  readonly tables: Int32Array;
  readonly tableWidth: number;
}

/** cos and sin of position × frequency, times the YaRN concentration; [tokens, headDim / 2] each. */
export interface RopeAngles {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** Records ops over f32 activations. `tokens` is the row count of the step, any mix of prefill and decode. */
export interface Step {
  /** table [vocab, hidden] → [tokens, hidden] */
  embed(table: Weight, ids: Int32Array): Tensor;
  /** x · rsqrt(mean(x²) + epsilon) · weight, per row. */
  rmsNorm(x: Tensor, weight: Weight, epsilon: number): Tensor;
  /** x [tokens, cols], weight [rows, cols], bias [rows] → [tokens, rows] */
  linear(x: Tensor, weight: Weight, bias?: Weight): Tensor;
  /** x [tokens, heads * headDim]; dimension i of a head turns with i + headDim / 2 → same shape */
  rope(x: Tensor, angles: RopeAngles): Tensor;
  /** k, v [tokens, kvHeads * headDim] into `layer` of the pool, at the tokens' positions of `view`. */
  writeKv(pool: KvPool, layer: number, k: Tensor, v: Tensor, view: KvView): void;
  /**
   * q [tokens, heads * headDim] → same shape. Scores are q·k / √headDim over positions max(0, p − window + 1) … p
   * (all up to p when window is 0); `sinks` [heads] joins each softmax without a value.
   * Query head h reads kv head ⌊h · kvHeads / heads⌋.
   */
  attend(q: Tensor, pool: KvPool, layer: number, sinks: Weight, view: KvView, window: number): Tensor;
  /** The named rows of x, in that order. */
  rows(x: Tensor, indices: Int32Array): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  /** The `count` largest logits of each row (lowest index first among equals), softmax over those alone. */
  route(logits: Tensor, count: number): Routing;
  /** x [tokens, cols] (the same for every pick) or [tokens, picked, cols]; weight [experts, rows, cols], bias [experts, rows] → [tokens, picked, rows] */
  expertLinear(x: Tensor, weight: Weight, bias: Weight, routing: Routing): Tensor;
  /** gate ← min(gate, limit), linear ← clamp(linear, ±limit); gate · sigmoid(alpha · gate) · (linear + 1) */
  swiglu(gate: Tensor, linear: Tensor, limit: number, alpha: number): Tensor;
  /** answers [tokens, picked, hidden] → [tokens, hidden], weighted by the routing, added in pick order. */
  mixExperts(answers: Tensor, routing: Routing): Tensor;
  /** Runs everything recorded and returns the named tensors, row-major. The step is over after it. */
  read(tensors: readonly Tensor[]): Promise<Float32Array[]>;
}
