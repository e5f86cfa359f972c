import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMissing } from '../../../test/support/backends.ts';
import type { HostTensor } from '../../tensor/index.ts';
import type { Backend, Step, Tensor } from '../backend.ts';
import { CpuBackend } from './index.ts';
import { dense, mxfp4, oneSequence, randomMatrix } from './testing.ts';

const skip = await cpuMissing();
const HIDDEN = 160;
const HEADS = 6;
const KV_HEADS = 2;
const HEAD_DIM = 64;
const EXPERTS = 5;
const PICKED = 3;
const TOKENS = 75;

/** A small layer with every op in it. Rows of `inputs` stand at the positions from `start` on, in the same sequence. */
class Layer {
  readonly backend: Backend;
  readonly #pool;
  readonly #weight: (tensor: HostTensor) => ReturnType<Backend['upload']>;
  readonly #weights;

  constructor(backend: Backend, denseAs: 'bf16' | 'q8') {
    this.backend = backend;
    this.#weight = (tensor) => backend.upload(tensor, denseAs === 'q8' ? { dense: 'q8' } : {});
    const matrix = (seed: number, rows: number, cols: number) =>
      this.#weight(dense(`m${seed}`, 'bf16', [rows, cols], randomMatrix(seed, rows, cols)));
    const vector = (seed: number, size: number) =>
      this.#weight(dense(`v${seed}`, 'f32', [size], randomMatrix(seed, 1, size)));
    const experts = (seed: number, nibbles: 'pairs' | 'halves') => ({
      weight: this.#weight(mxfp4(`e${seed}`, seed, [EXPERTS, HIDDEN, HIDDEN], nibbles)),
      bias: backend.upload(dense(`b${seed}`, 'bf16', [EXPERTS, HIDDEN], randomMatrix(seed, EXPERTS, HIDDEN))),
    });
    this.#weights = {
      embedding: matrix(1, TOKENS, HIDDEN),
      norm: vector(2, HIDDEN),
      q: matrix(3, HEADS * HEAD_DIM, HIDDEN),
      k: matrix(4, KV_HEADS * HEAD_DIM, HIDDEN),
      v: matrix(5, KV_HEADS * HEAD_DIM, HIDDEN),
      out: matrix(6, HIDDEN, HEADS * HEAD_DIM),
      sinks: vector(7, HEADS),
      router: matrix(8, EXPERTS, HIDDEN),
      gate: experts(9, 'pairs'),
      linear: experts(10, 'pairs'),
      down: experts(11, 'halves'),
    };
    this.#pool = backend.allocateKv({ layers: 2, kvHeads: KV_HEADS, headDim: HEAD_DIM, blockSize: 64 });
    this.#pool.grow(3);
  }

  /** Activations of tokens [start, start + count), concatenated. */
  async run(start: number, count: number): Promise<Float32Array> {
    const step = this.backend.begin();
    const w = this.#weights;
    const view = oneSequence(start, count);
    const x = step.embed(w.embedding, view.positions);
    const t = step.rmsNorm(x, w.norm, 1e-5);
    const angles = {
      cos: Float32Array.from({ length: count * 32 }, (_, i) => Math.cos((start + Math.floor(i / 32)) / (1 + (i % 32)))),
      sin: Float32Array.from({ length: count * 32 }, (_, i) => Math.sin((start + Math.floor(i / 32)) / (1 + (i % 32)))),
    };
    const outputs: Tensor[] = [];
    for (const [layer, window] of [
      [0, 0],
      [1, 33],
    ] as const) {
      step.writeKv(this.#pool, layer, step.rope(step.linear(t, w.k), angles), step.linear(t, w.v), view);
      const q = step.rope(step.linear(t, w.q), angles);
      outputs.push(step.linear(step.attend(q, this.#pool, layer, w.sinks, view, window), w.out));
    }
    outputs.push(this.#consult(step, t));
    return concatenate(await step.read(outputs));
  }

  #consult(step: Step, t: Tensor): Tensor {
    const { router, gate, linear, down } = this.#weights;
    const routing = step.route(step.linear(t, router), PICKED);
    const inner = step.swiglu(
      step.expertLinear(t, gate.weight, gate.bias, routing),
      step.expertLinear(t, linear.weight, linear.bias, routing),
      7,
      1.702,
    );
    return step.mixExperts(step.expertLinear(inner, down.weight, down.bias, routing), routing);
  }
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function bits(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

/** The outputs of all tokens, run in chunks, as rows of the three outputs side by side. */
async function inChunks(layer: Layer, chunk: number): Promise<Float32Array> {
  const rows: Float32Array[] = [];
  for (let start = 0; start < TOKENS; start += chunk) {
    const count = Math.min(chunk, TOKENS - start);
    const all = await layer.run(start, count);
    const size = all.length / 3;
    for (let token = 0; token < count; token++) {
      for (let output = 0; output < 3; output++) {
        rows.push(all.slice(output * size + (token * size) / count, output * size + ((token + 1) * size) / count));
      }
    }
  }
  return concatenate(rows);
}

for (const denseAs of ['bf16', 'q8'] as const) {
  test(`every instruction set, thread count and chunking gives the same bits (dense: ${denseAs})`, {
    skip,
  }, async () => {
    const sets = CpuBackend.instructionSets();
    assert.ok(sets.includes('portable'), `there is always the portable set, got ${sets}`);
    let expected: Float32Array | undefined;
    for (const isa of sets) {
      for (const threads of isa === sets[0] ? [1, 2, 4, 7] : [3]) {
        for (const chunk of isa === sets[0] ? [TOKENS, 1, 7, 64] : [TOKENS, 9]) {
          const backend = CpuBackend.open({ isa, threads });
          const outputs = await inChunks(new Layer(backend, denseAs), chunk);
          backend.dispose();
          expected ??= outputs;
          assert.ok(outputs.every(Number.isFinite));
          assert.ok(bits(outputs).equals(bits(expected)), `${isa}, ${threads} threads, chunks of ${chunk}`);
        }
      }
    }
  });
}
