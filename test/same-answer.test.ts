import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Backend } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { evaluate, KV_BLOCK, KvCache, type LoadOptions, loadModel, type Model, runStep } from '../src/model/index.ts';
import { cpuMissing, withBackend } from './support/backends.ts';
import { goldenCase, goldenDirectory } from './support/golden.ts';

// The same answer every time: whatever else runs, however the prompt was cut, and whatever was kept, the bits are equal.

const skip = await cpuMissing();
const instructionSets = skip ? [] : (await import('../src/backends/cpu/index.ts')).CpuBackend.instructionSets();

/** What a model is asked: a prompt longer than two windows, and company for it. */
interface Question {
  readonly name: string;
  readonly path: string;
  readonly prompt: readonly number[];
  readonly company: readonly (readonly number[])[];
}

const checks = JSON.parse(readFileSync(goldenDirectory('ossia-nano-checks.json'), 'utf8')) as {
  readonly cases: readonly { readonly prompt_ids: number[] }[];
};
const conversation = checks.cases.flatMap(({ prompt_ids }) => prompt_ids);
const golden = goldenCase('small');
const run = golden.sequences.at(-1)!.tokens;
const questions: readonly Question[] = [
  {
    name: 'ossia-nano',
    path: goldenDirectory('../../models/ossia-nano'),
    prompt: conversation.slice(0, 333),
    company: [conversation.slice(400, 491), conversation.slice(600, 613)],
  },
  {
    name: 'small',
    path: golden.directory,
    prompt: run.slice(0, 277),
    company: [run.slice(300, 401), run.slice(500, 505)],
  },
];

const FORMATS = [
  { dense: 'keep', kvBits: 16 },
  { dense: 'q8', kvBits: 16 },
  { dense: 'keep', kvBits: 8 },
] as const;

for (const question of questions) {
  for (const formats of FORMATS) {
    const { dense, kvBits } = formats;
    test(`${question.name} on cpu gives equal bits in any company (dense: ${dense}, KV: ${kvBits})`, {
      skip,
    }, async () => {
      const { prompt } = question;
      const expected = await withModel(question, { ...formats, threads: 1 }, (model) =>
        inChunks(model, prompt, prompt.length),
      );
      const expectEqual = (what: string, found: Float32Array) => assertSameBits(what, found, expected);

      for (const threads of [1, 2, 4]) {
        await withModel(question, { ...formats, threads }, async (model) => {
          for (const chunk of [1, 7, 64, prompt.length]) {
            expectEqual(`${threads} threads, steps of ${chunk}`, await inChunks(model, prompt, chunk));
          }
          expectEqual(`${threads} threads, beside others`, await besideOthers(model, question));
          for (const kept of [192, 175]) {
            expectEqual(`${threads} threads, after ${kept} kept positions`, await afterKept(model, prompt, kept));
          }
        });
      }
      for (const isa of instructionSets) {
        await withModel(question, { ...formats, threads: 3, isa }, async (model) => {
          expectEqual(isa, await inChunks(model, prompt, 100));
        });
      }
    });
  }
}

interface Setup extends Required<LoadOptions> {
  readonly threads: number;
  readonly isa?: string;
}

async function withModel<T>(
  { path }: Question,
  { dense, kvBits, ...options }: Setup,
  use: (model: Model) => Promise<T>,
): Promise<T> {
  const onBackend = async (backend: Backend) => {
    const checkpoint = await openCheckpoint(path);
    try {
      return await use(loadModel(checkpoint, backend, { dense, kvBits }));
    } finally {
      checkpoint.close();
    }
  };
  return await withBackend('cpu', onBackend, options);
}

/** All logits [tokens, vocab] of a prompt in steps of `chunk`. */
async function inChunks(model: Model, prompt: readonly number[], chunk: number): Promise<Float32Array> {
  const rows = new Float32Array(prompt.length * model.config.vocabSize);
  await evaluate(model, prompt, { chunk, onRow: (index, row) => rows.set(row, index * model.config.vocabSize) });
  return rows;
}

/** The prompt in uneven pieces, while another prompt is read and a third sequence decodes. */
async function besideOthers(model: Model, { prompt, company }: Question): Promise<Float32Array> {
  const cache = new KvCache(model);
  const [own, reading, decoding] = [cache.open(), cache.open(), cache.open()];
  const rows = new Float32Array(prompt.length * model.config.vocabSize);
  for (let start = 0, turn = 0; start < prompt.length; turn++) {
    const ids = prompt.slice(start, start + 1 + ((turn * 37) % 90));
    const other = company[0]!.slice(turn * 11, turn * 11 + 11);
    const { logits } = await runStep(model, cache, [
      ...(other.length > 0 ? [{ sequence: reading, ids: other, logits: 'none' as const }] : []),
      { sequence: own, ids, logits: 'all' },
      { sequence: decoding, ids: [company[1]![turn % company[1]!.length]!], logits: 'last' },
    ]);
    rows.set(logits.at(-2)!, start * model.config.vocabSize);
    start += ids.length;
  }
  cache.dispose();
  return rows;
}

/** The first part is read and kept by one sequence, and gone on from by another, whose memory others have used before. */
async function afterKept(model: Model, prompt: readonly number[], kept: number): Promise<Float32Array> {
  const cache = new KvCache(model);
  const before = cache.open();
  await runStep(model, cache, [{ sequence: before, ids: [...prompt].reverse(), logits: 'none' }]);
  const first = cache.open();
  const { logits: head } = await runStep(model, cache, [{ sequence: first, ids: prompt.slice(0, 200), logits: 'all' }]);
  const blocks = Array.from({ length: Math.ceil(kept / KV_BLOCK) }, (_, index) => first.keep(index));
  before.release();
  first.release();
  const second = cache.open(blocks, kept);
  const { logits: tail } = await runStep(model, cache, [{ sequence: second, ids: prompt.slice(kept), logits: 'all' }]);
  const rows = new Float32Array(prompt.length * model.config.vocabSize);
  rows.set(head[0]!.subarray(0, kept * model.config.vocabSize));
  rows.set(tail[0]!, kept * model.config.vocabSize);
  cache.dispose();
  return rows;
}

function assertSameBits(what: string, found: Float32Array, expected: Float32Array): void {
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  if (Buffer.compare(bytes(found), bytes(expected)) === 0) return;
  const at = expected.findIndex((value, i) => value !== found[i]);
  assert.fail(`${what}: value ${at} is ${found[at]}, expected ${expected[at]}`);
}
