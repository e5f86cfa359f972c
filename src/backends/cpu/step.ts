import type { KvPool, KvView, RopeAngles, Routing, Step, Tensor, Weight } from '../backend.ts';
import { type Addon, asOssiaError, type NativeBackend } from './addon.ts';

/** Numbers are shared with native/program.h. */
const OPS = {
  embed: 0,
  rmsNorm: 1,
  linear: 2,
  rope: 3,
  writeKv: 4,
  attend: 5,
  rows: 6,
  add: 7,
  route: 8,
  expertLinear: 9,
  swiglu: 10,
  mixExperts: 11,
} as const;

export class CpuWeight implements Weight {
  readonly id: number;
  readonly label: string;
  readonly shape: readonly number[];
  readonly owner: NativeBackend;
  /** Of the matrix as it is read, or of one expert's. */
  readonly bytes: number;

  constructor(owner: NativeBackend, id: number, label: string, shape: readonly number[], bytes: number) {
    this.bytes = bytes;
    this.owner = owner;
    this.id = id;
    this.label = label;
    this.shape = shape;
  }
}

/** An op of a step, and how long it took. */
export interface OpTime {
  readonly op: keyof typeof OPS;
  readonly seconds: number;
  /** The matrix of a product: its label, its [rows, columns], the bytes of one expert's. */
  readonly weight?: { readonly label: string; readonly shape: readonly number[]; readonly bytes: number };
  /** Of a product: inputs, each of them once for every expert that it asks. */
  readonly inputs?: number;
}

class CpuTensor implements Tensor {
  readonly id: number;
  readonly shape: readonly number[];
  readonly step: CpuStep;

  constructor(step: CpuStep, id: number, shape: readonly number[]) {
    this.step = step;
    this.id = id;
    this.shape = shape;
  }
}

/** What a pool shows to steps. */
export interface CpuPool extends KvPool {
  readonly id: number;
  readonly owner: NativeBackend;
}

/**
 * Writes ops down as numbers; `read` sends them in one call. Operands that are not of this backend are refused here,
 * shapes and indices on the native side (program_check.cc).
 */
export class CpuStep implements Step {
  readonly #addon: Addon;
  readonly #backend: NativeBackend;
  readonly #code: number[] = [];
  readonly #constants: number[] = [];
  readonly #ints: Int32Array[] = [];
  readonly #floats: Float32Array[] = [];
  /** Arrays that several ops share, as the positions of all layers, are sent once. */
  readonly #places = new Map<Int32Array | Float32Array, number>();
  readonly #profiler: ((ops: readonly OpTime[]) => void) | undefined;
  /** What was recorded, for the profiler. */
  readonly #ops: Omit<OpTime, 'seconds'>[] = [];
  #product: { readonly weight: CpuWeight; readonly inputs: number } | undefined;
  #numTensors = 0;
  #over = false;

  constructor(addon: Addon, backend: NativeBackend, profiler?: (ops: readonly OpTime[]) => void) {
    this.#addon = addon;
    this.#backend = backend;
    this.#profiler = profiler;
  }

  embed(table: Weight, ids: Int32Array): Tensor {
    return this.#record('embed', [this.#weight(table), this.#int(ids)], [ids.length, table.shape[1]!]);
  }

  rmsNorm(x: Tensor, weight: Weight, epsilon: number): Tensor {
    return this.#record('rmsNorm', [this.#tensor(x), this.#weight(weight), this.#constant(epsilon)], x.shape);
  }

  linear(x: Tensor, weight: Weight, bias?: Weight): Tensor {
    const operands = [this.#tensor(x), this.#weight(weight), bias ? this.#weight(bias) : -1];
    this.#product = { weight: weight as CpuWeight, inputs: x.shape[0]! };
    return this.#record('linear', operands, [x.shape[0]!, weight.shape[0]!]);
  }

  rope(x: Tensor, { cos, sin }: RopeAngles): Tensor {
    return this.#record('rope', [this.#tensor(x), this.#float(cos), this.#float(sin)], x.shape);
  }

  writeKv(pool: KvPool, layer: number, k: Tensor, v: Tensor, view: KvView): void {
    this.#write('writeKv', [this.#pool(pool), layer, this.#tensor(k), this.#tensor(v), ...this.#view(view)]);
  }

  attend(q: Tensor, pool: KvPool, layer: number, sinks: Weight, view: KvView, window: number): Tensor {
    const operands = [this.#tensor(q), this.#pool(pool), layer, this.#weight(sinks), ...this.#view(view), window];
    return this.#record('attend', operands, q.shape);
  }

  rows(x: Tensor, indices: Int32Array): Tensor {
    return this.#record('rows', [this.#tensor(x), this.#int(indices)], [indices.length, ...x.shape.slice(1)]);
  }

  add(a: Tensor, b: Tensor): Tensor {
    return this.#record('add', [this.#tensor(a), this.#tensor(b)], a.shape);
  }

  route(logits: Tensor, count: number): Routing {
    const shape = [logits.shape[0]!, count];
    const experts = this.#record('route', [this.#tensor(logits), count], shape);
    return { experts, weights: this.#define(shape) };
  }

  expertLinear(x: Tensor, weight: Weight, bias: Weight, routing: Routing): Tensor {
    const operands = [this.#tensor(x), this.#weight(weight), this.#weight(bias), this.#tensor(routing.experts)];
    this.#product = { weight: weight as CpuWeight, inputs: routing.experts.shape[0]! * routing.experts.shape[1]! };
    return this.#record('expertLinear', operands, [...routing.experts.shape, weight.shape[1]!]);
  }

  swiglu(gate: Tensor, linear: Tensor, limit: number, alpha: number): Tensor {
    const operands = [this.#tensor(gate), this.#tensor(linear), this.#constant(limit), this.#constant(alpha)];
    return this.#record('swiglu', operands, gate.shape);
  }

  mixExperts(answers: Tensor, routing: Routing): Tensor {
    const operands = [this.#tensor(answers), this.#tensor(routing.weights)];
    return this.#record('mixExperts', operands, [answers.shape[0]!, answers.shape[2]!]);
  }

  async read(tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const reads = Int32Array.from(tensors, (tensor) => this.#tensor(tensor));
    this.#assertOpen();
    this.#over = true;
    try {
      const results = await this.#addon.run(
        this.#backend,
        Int32Array.from(this.#code),
        Float32Array.from(this.#constants),
        this.#ints,
        this.#floats,
        reads,
      );
      const seconds = this.#profiler ? this.#addon.opSeconds(this.#backend) : [];
      this.#profiler?.(this.#ops.map((op, i) => ({ ...op, seconds: seconds[i]! })));
      return results;
    } catch (error) {
      throw asOssiaError(error);
    }
  }

  #record(op: keyof typeof OPS, operands: readonly number[], shape: readonly number[]): Tensor {
    this.#write(op, operands);
    return this.#define(shape);
  }

  #write(op: keyof typeof OPS, operands: readonly number[]): void {
    this.#assertOpen();
    const bad = operands.find((operand) => !Number.isInteger(operand));
    if (bad !== undefined) throw new TypeError(`Expected the operands of ${op} to be integers, got ${bad}`);
    this.#code.push(OPS[op], ...operands);
    if (this.#profiler) this.#ops.push({ op, ...this.#product });
    this.#product = undefined;
  }

  #define(shape: readonly number[]): Tensor {
    return new CpuTensor(this, this.#numTensors++, shape);
  }

  #tensor(tensor: Tensor): number {
    if (tensor instanceof CpuTensor && tensor.step === this) return tensor.id;
    throw new TypeError('Expected a tensor of this step');
  }

  #weight(weight: Weight): number {
    if (weight instanceof CpuWeight && weight.owner === this.#backend) return weight.id;
    throw new TypeError(`Expected a weight of this backend, got ${weight?.label}`);
  }

  #pool(pool: KvPool): number {
    if ((pool as CpuPool).owner === this.#backend) return (pool as CpuPool).id;
    throw new TypeError('Expected a KV pool of this backend');
  }

  #view({ positions, sequences, tables, tableWidth }: KvView): number[] {
    return [this.#int(positions), this.#int(sequences), this.#int(tables), tableWidth];
  }

  #int(array: Int32Array): number {
    return this.#place(array, this.#ints);
  }

  #float(array: Float32Array): number {
    return this.#place(array, this.#floats);
  }

  #place<T extends Int32Array | Float32Array>(array: T, list: T[]): number {
    const known = this.#places.get(array);
    if (known !== undefined) return known;
    list.push(array);
    this.#places.set(array, list.length - 1);
    return list.length - 1;
  }

  #constant(value: number): number {
    return this.#constants.push(value) - 1;
  }

  #assertOpen(): void {
    if (this.#over) throw new TypeError('Cannot use a step after its read()');
  }
}
