import { OssiaError } from '../../base/index.ts';
import { elementCount } from '../../tensor/index.ts';
import type { KvPool, KvView, RopeAngles, Routing, Step, Tensor, Weight } from '../backend.ts';
import { attend } from './attend.ts';
import { embed } from './embed.ts';
import { expertLinear } from './expert-linear.ts';
import { ReferenceKvPool } from './kv-pool.ts';
import { linear } from './linear.ts';
import { mixExperts } from './mix-experts.ts';
import { rmsNorm } from './rms-norm.ts';
import { rope } from './rope.ts';
import { route } from './route.ts';
import { swiglu } from './swiglu.ts';
import { ReferenceWeight } from './weight.ts';
import { writeKv } from './write-kv.ts';

/** An activation; `values` is there from the op that makes it to the last op that reads it. */
class Activation implements Tensor {
  readonly shape: readonly number[];
  readonly step: ReferenceStep;
  values: Float32Array | undefined;

  constructor(step: ReferenceStep, shape: readonly number[]) {
    this.step = step;
    this.shape = shape;
  }
}

interface Op {
  readonly inputs: readonly Activation[];
  readonly outputs: readonly Activation[];
  readonly run: (inputs: readonly Float32Array[], outputs: readonly Float32Array[]) => void;
}

/** Checks shapes while it records, and runs one op after the other when it is read. */
export class ReferenceStep implements Step {
  readonly #ops: Op[] = [];
  #over = false;

  embed(table: Weight, ids: Int32Array): Tensor {
    const weight = asWeight('embed', table, 2);
    const bad = ids.find((id) => id < 0 || id >= weight.rows);
    if (bad !== undefined) refuse('embed', `id ${bad} is not a row of ${weight.label} [${weight.shape}]`);
    return this.#record([ids.length, weight.cols], [], (_, [out]) => embed(weight, ids, out!));
  }

  rmsNorm(x: Tensor, weight: Weight, epsilon: number): Tensor {
    const input = this.#own('rmsNorm', x, 2);
    const w = asWeight('rmsNorm', weight, 1);
    same('rmsNorm', 'columns', input.shape[1]!, w.cols);
    return this.#record(input.shape, [input], ([values], [out]) => rmsNorm(values!, w.all(), epsilon, out!));
  }

  linear(x: Tensor, weight: Weight, bias?: Weight): Tensor {
    const input = this.#own('linear', x, 2);
    const w = asWeight('linear', weight, 2);
    const b = bias && asWeight('linear', bias, 1);
    same('linear', 'columns', input.shape[1]!, w.cols);
    if (b) same('linear', 'biases', b.cols, w.rows);
    return this.#record([input.shape[0]!, w.rows], [input], ([values], [out]) => linear(values!, w, b, out!));
  }

  rope(x: Tensor, angles: RopeAngles): Tensor {
    const input = this.#own('rope', x, 2);
    const [tokens, width] = [input.shape[0]!, input.shape[1]!];
    same('rope', 'sines', angles.sin.length, angles.cos.length);
    const headDim = tokens === 0 ? width : (2 * angles.cos.length) / tokens;
    if (!(headDim > 0 && width % headDim === 0))
      refuse('rope', `angles for ${headDim} dimensions do not fit [${input.shape}]`);
    return this.#record(input.shape, [input], ([values], [out]) => rope(values!, tokens, angles, out!));
  }

  writeKv(pool: KvPool, layer: number, k: Tensor, v: Tensor, view: KvView): void {
    const storage = asPool('writeKv', pool, layer);
    const { kvHeads, headDim, blockSize } = storage.shape;
    const inputs = [this.#own('writeKv', k, 2), this.#own('writeKv', v, 2)];
    for (const { shape } of inputs) {
      same('writeKv', 'rows', shape[0]!, view.positions.length);
      same('writeKv', 'columns', shape[1]!, kvHeads * headDim);
    }
    checkView('writeKv', view, storage, blockSize, 1);
    this.#push({ inputs, outputs: [], run: ([keys, values]) => writeKv(storage, layer, keys!, values!, view) });
  }

  attend(q: Tensor, pool: KvPool, layer: number, sinks: Weight, view: KvView, window: number): Tensor {
    const storage = asPool('attend', pool, layer);
    const input = this.#own('attend', q, 2);
    const s = asWeight('attend', sinks, 1);
    same('attend', 'rows', input.shape[0]!, view.positions.length);
    same('attend', 'columns', input.shape[1]!, s.cols * storage.shape.headDim);
    if (s.cols % storage.shape.kvHeads)
      refuse('attend', `${s.cols} heads do not share ${storage.shape.kvHeads} kv heads`);
    checkView('attend', view, storage, storage.shape.blockSize, window);
    return this.#record(input.shape, [input], ([values], [out]) =>
      attend(values!, storage, layer, s.all(), view, window, out!),
    );
  }

  rows(x: Tensor, indices: Int32Array): Tensor {
    const input = this.#own('rows', x, 2);
    const [tokens, cols] = [input.shape[0]!, input.shape[1]!];
    const bad = indices.find((row) => row < 0 || row >= tokens);
    if (bad !== undefined) refuse('rows', `row ${bad} is not one of ${tokens}`);
    return this.#record([indices.length, cols], [input], ([values], [out]) => {
      indices.forEach((row, i) => {
        out!.set(values!.subarray(row * cols, (row + 1) * cols), i * cols);
      });
    });
  }

  add(a: Tensor, b: Tensor): Tensor {
    const inputs = [this.#own('add', a), this.#own('add', b)];
    sameShape('add', a, b);
    return this.#record(a.shape, inputs, ([left, right], [out]) => {
      for (let i = 0; i < out!.length; i++) out![i] = left![i]! + right![i]!;
    });
  }

  route(logits: Tensor, count: number): Routing {
    const input = this.#own('route', logits, 2);
    const [tokens, numExperts] = [input.shape[0]!, input.shape[1]!];
    if (!(count >= 1 && count <= numExperts)) refuse('route', `cannot pick ${count} of ${numExperts} experts`);
    const experts = new Activation(this, [tokens, count]);
    const weights = new Activation(this, [tokens, count]);
    this.#push({
      inputs: [input],
      outputs: [experts, weights],
      run: ([values], [e, w]) => route(values!, numExperts, count, e!, w!),
    });
    return { experts, weights };
  }

  expertLinear(x: Tensor, weight: Weight, bias: Weight, routing: Routing): Tensor {
    const input = this.#own('expertLinear', x);
    const experts = this.#own('expertLinear', routing.experts, 2);
    const w = asWeight('expertLinear', weight, 3);
    const b = asWeight('expertLinear', bias, 2);
    const [tokens, picked] = [experts.shape[0]!, experts.shape[1]!];
    same('expertLinear', 'columns', input.shape.at(-1)!, w.cols);
    same('expertLinear', 'experts with a bias', b.rows, w.shape[0]!);
    same('expertLinear', 'biases', b.cols, w.rows);
    same('expertLinear', 'rows', input.shape[0]!, tokens);
    if (input.shape.length === 3) same('expertLinear', 'picks', input.shape[1]!, picked);
    return this.#record([tokens, picked, w.rows], [input, experts], ([values, chosen], [out]) =>
      expertLinear(values!, chosen!, w, b, out!),
    );
  }

  swiglu(gate: Tensor, linear: Tensor, limit: number, alpha: number): Tensor {
    const inputs = [this.#own('swiglu', gate), this.#own('swiglu', linear)];
    sameShape('swiglu', gate, linear);
    return this.#record(gate.shape, inputs, ([g, l], [out]) => swiglu(g!, l!, limit, alpha, out!));
  }

  mixExperts(answers: Tensor, routing: Routing): Tensor {
    const inputs = [this.#own('mixExperts', answers, 3), this.#own('mixExperts', routing.weights, 2)];
    const [tokens, picked, hidden] = [answers.shape[0]!, answers.shape[1]!, answers.shape[2]!];
    same('mixExperts', 'rows', routing.weights.shape[0]!, tokens);
    same('mixExperts', 'picks', routing.weights.shape[1]!, picked);
    return this.#record([tokens, hidden], inputs, ([values, weights], [out]) =>
      mixExperts(values!, weights!, picked, out!),
    );
  }

  async read(tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const wanted = tensors.map((tensor) => this.#own('read', tensor));
    this.#over = true;
    const lastUse = new Map<Activation, Op>();
    for (const op of this.#ops) for (const activation of [...op.inputs, ...op.outputs]) lastUse.set(activation, op);
    const keep = new Set(wanted);
    for (const op of this.#ops) {
      for (const output of op.outputs) output.values = new Float32Array(elementCount(output.shape));
      op.run(
        op.inputs.map(({ values }) => values!),
        op.outputs.map(({ values }) => values!),
      );
      for (const activation of [...op.inputs, ...op.outputs]) {
        if (lastUse.get(activation) === op && !keep.has(activation)) activation.values = undefined;
      }
    }
    return wanted.map(({ values }) => values!);
  }

  #record(shape: readonly number[], inputs: readonly Activation[], run: Op['run']): Tensor {
    const output = new Activation(this, shape);
    this.#push({ inputs, outputs: [output], run });
    return output;
  }

  #push(op: Op): void {
    if (this.#over) throw new TypeError('Cannot record on a step that was read');
    this.#ops.push(op);
  }

  #own(op: string, tensor: Tensor, rank?: number): Activation {
    if (this.#over) throw new TypeError(`Cannot use a step that was read (${op})`);
    if (!(tensor instanceof Activation) || tensor.step !== this)
      throw new TypeError(`Expected a tensor of this step (${op})`);
    if (rank !== undefined && tensor.shape.length !== rank) refuse(op, `expected rank ${rank}, got [${tensor.shape}]`);
    return tensor;
  }
}

function refuse(op: string, reason: string): never {
  throw new OssiaError('backend/bad-operand', `Cannot record ${op}: ${reason}`);
}

function same(op: string, what: string, left: number, right: number): void {
  if (left !== right) refuse(op, `${what} differ, ${left} and ${right}`);
}

function sameShape(op: string, a: Tensor, b: Tensor): void {
  if (a.shape.length !== b.shape.length || a.shape.some((size, axis) => size !== b.shape[axis])) {
    refuse(op, `shapes differ, [${a.shape}] and [${b.shape}]`);
  }
}

function asWeight(op: string, weight: Weight, rank: number): ReferenceWeight {
  if (!(weight instanceof ReferenceWeight)) throw new TypeError(`Expected a weight of the reference backend (${op})`);
  if (weight.shape.length !== rank) refuse(op, `expected ${weight.label} to have rank ${rank}, got [${weight.shape}]`);
  return weight;
}

function asPool(op: string, pool: KvPool, layer: number): ReferenceKvPool {
  if (!(pool instanceof ReferenceKvPool)) throw new TypeError(`Expected a KV pool of the reference backend (${op})`);
  if (!(layer >= 0 && layer < pool.shape.layers)) refuse(op, `layer ${layer} is not one of ${pool.shape.layers}`);
  return pool;
}

/** Every position that is touched must lie in a block that exists. `window` 0: all from the first on. */
function checkView(op: string, view: KvView, pool: ReferenceKvPool, blockSize: number, window: number): void {
  const { positions, sequences, tables, tableWidth } = view;
  positions.forEach((position, token) => {
    const row = sequences[token]! * tableWidth;
    const first = window > 0 ? Math.max(0, position - window + 1) : 0;
    const last = Math.floor(position / blockSize);
    if (position < 0 || last >= tableWidth)
      refuse(op, `position ${position} is beyond a table of ${tableWidth} blocks`);
    for (let index = Math.floor(first / blockSize); index <= last; index++) {
      const id = tables[row + index];
      if (id === undefined || id < 0 || id >= pool.numBlocks) refuse(op, `no block is kept for index ${index} (${id})`);
    }
  });
}
