import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cpuMissing } from './support/backends.ts';
import { ask, ossia } from './support/command.ts';
import { Comparison, goldenCase, readNumbers } from './support/golden.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

const micro = goldenCase('micro');
const sequence = micro.sequences[0]!;
const reference = ['--model', micro.directory, '--backend', 'reference'];
const noCpu = await cpuMissing();

async function logits(args: readonly string[], requests: readonly unknown[]) {
  const out = join(folder, 'logits.safetensors');
  const { answers, outcome } = await ask(['inspect', 'logits', ...args, '--out', out], requests);
  return { answers, outcome, tensors: readNumbers(out) };
}

function compare(values: Float32Array | Int32Array | undefined): Comparison {
  const expected = readNumbers(join(micro.directory, 'logits.safetensors')).get(sequence.logits)!;
  const vocab = expected.shape[1]!;
  const comparison = new Comparison(expected.values as Float32Array, vocab);
  for (let row = 0; row < expected.shape[0]!; row++) {
    comparison.add(row, values!.subarray(row * vocab, (row + 1) * vocab) as Float32Array);
  }
  return comparison;
}

test('inspect logits writes the golden logits, a tensor a request, and goes on after a bad one', async () => {
  const { tokens } = sequence;
  const { answers, outcome, tensors } = await logits(
    [...reference, '--chunk', '37'],
    [
      { ids: tokens },
      { ids: [1, 2, 300] },
      { ids: tokens.slice(0, 9), positions: [8, 0] },
      { ids: [1], positions: [1] },
    ],
  );
  assert.equal(outcome.code, 1);
  assert.deepEqual(answers[0], { tensor: 'logits.0', shape: [tokens.length, 256] });
  const codes = answers.map((answer) => (answer as { error?: { code: string } }).error?.code);
  assert.deepEqual(codes, [undefined, 'tokenizer/unknown-token', undefined, 'cli/bad-input']);
  assert.deepEqual([...tensors.keys()], ['logits.0', 'logits.2']);
  compare(tensors.get('logits.0')?.values).assertExact(sequence.tolerance.exact);
  const [whole, some] = [tensors.get('logits.0')!.values, tensors.get('logits.2')!.values];
  assert.ok(some.subarray(0, 256).every((x, i) => Math.abs(x - whole[8 * 256 + i]!) < 1e-4)); // in the order asked for
  assert.ok(some.subarray(256).every((x, i) => Math.abs(x - whole[i]!) < 1e-4));
  assert.deepEqual(readdirSync(folder), ['logits.safetensors']);
});

for (const dense of ['bf16', 'q8'] as const) {
  test(`inspect logits on the cpu backend with ${dense} stays within its bars`, { skip: noCpu }, async () => {
    const args = ['--model', micro.directory, '--backend', 'cpu', '--dense', dense, '--threads', '2'];
    const { tensors } = await logits(args, [{ ids: sequence.tokens }]);
    const bars = dense === 'q8' ? sequence.tolerance.int8_all : sequence.tolerance.int8_activations;
    compare(tensors.get('logits.0')?.values).assertQuantised(bars);
  });
}

test('inspect generate continues greedily as the reference does, past any end id, and repeats a seed', async () => {
  const { prompt, continuation } = micro.greedy!;
  const sampled = { ids: prompt, maxTokens: 7, temperature: 1, seed: 11, topLogprobs: 2 };
  const { answers, outcome } = await ask(
    ['inspect', 'generate', ...reference],
    [{ ids: prompt, maxTokens: continuation.length, temperature: 0 }, sampled, sampled, { ids: prompt, temprature: 1 }],
  );
  const [greedy, first, second, misspelled] = answers as {
    ids: number[];
    logprobs: number[];
    top?: unknown[];
    finish: string;
    seed: number;
    error?: { code: string; message: string };
  }[];
  assert.deepEqual(greedy!.ids, continuation);
  assert.equal(greedy!.finish, 'length');
  assert.ok(greedy!.logprobs.length === continuation.length && greedy!.logprobs.every((p) => p <= 0));
  assert.deepEqual(first, second);
  assert.equal(first!.seed, 11);
  assert.equal(first!.top?.length, 7);
  assert.equal(misspelled!.error?.code, 'engine/bad-parameter');
  assert.match(misspelled!.error!.message, /temprature/);
  assert.equal(outcome.code, 1);
});

test('inspect generate stops at a stop id, which is the last of its ids', async () => {
  const { prompt, continuation } = micro.greedy!;
  const stop = continuation[4]!;
  const { answers } = await ask(
    ['inspect', 'generate', ...reference],
    [{ ids: prompt, maxTokens: 20, temperature: 0, stopIds: [stop] }],
  );
  const { ids, finish } = answers[0] as { ids: number[]; finish: string };
  assert.equal(finish, 'stop');
  assert.deepEqual(ids, continuation.slice(0, continuation.indexOf(stop) + 1));
});

test('inspect routing gives the experts of the reference, best first, with weights that add to one', async () => {
  const activations = readNumbers(join(micro.directory, 'activations.safetensors'));
  const { answers } = await ask(['inspect', 'routing', ...reference], [{ ids: sequence.tokens.slice(0, 40) }]);
  const { experts, weights } = answers[0] as { experts: number[][][]; weights: number[][][] };
  experts.forEach((tokens, layer) => {
    assert.deepEqual(tokens.flat(), [...activations.get(`layers.${layer}.expert_indices`)!.values]);
    const expected = activations.get(`layers.${layer}.expert_weights`)!.values;
    assert.ok(weights[layer]!.flat().every((weight, i) => Math.abs(weight - expected[i]!) < 1e-3));
  });
  assert.equal(experts.length, 2);
});

test('inspect checkpoint lists every tensor of each layout and adds them up', async () => {
  const outcome = await ossia([
    'inspect',
    'checkpoint',
    'test/golden/micro',
    'test/golden/small',
    'test/golden/original-layout',
  ]);
  const models = outcome.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    models.map(({ layout }) => layout),
    ['huggingface', 'huggingface', 'original'],
  );
  for (const { config, tensors, totals } of models) {
    assert.ok(config.num_hidden_layers > 0);
    assert.equal(totals.tensors, tensors.length);
    assert.equal(
      totals.bytes,
      tensors.reduce((sum: number, { bytes }: { bytes: number }) => sum + bytes, 0),
    );
  }
  const norm = models[0].tensors.find(({ name }: { name: string }) => name === 'model.norm.weight');
  assert.deepEqual([norm.dtype, norm.shape, norm.bytes], ['bf16', [64], 128]);
  assert.ok(norm.file.endsWith('model.safetensors'));
  assert.equal(models[1].totals.files.length, 2);
});

test('inspect tokens encodes text as text unless told that it holds control tokens, and decodes', async () => {
  const text = 'Hello <|end|>\u2028 12';
  const requests = [
    { text },
    { text, special: true },
    { ids: [13225, 11, 2375, 200007] },
    { ids: [300_000] },
    {},
    '[1]',
    '{',
  ];
  const { answers, outcome } = await ask(['inspect', 'tokens'], requests);
  const [plain, special, decoded, ...refused] = answers as {
    ids: number[];
    text: string;
    error?: { code: string; line: number };
  }[];
  assert.ok(!plain!.ids.includes(200007));
  assert.ok(special!.ids.includes(200007));
  assert.equal(decoded!.text, 'Hello, world<|end|>');
  assert.deepEqual(
    refused.map(({ error }) => [error?.code, error?.line]),
    [
      ['tokenizer/unknown-token', 4],
      ['cli/bad-input', 5],
      ['cli/bad-input', 6],
      ['cli/bad-input', 7],
    ],
  );
  assert.equal(outcome.code, 1);
  const nano = await ask(['inspect', 'tokens', '--model', 'ossia-nano'], [{ text: '<|start|>', special: true }]);
  assert.deepEqual(
    nano.answers.map((answer) => (answer as { ids: number[] }).ids.length),
    [1],
  );
});

test('requests come from a file as well, and a file that is not there is a mistake of usage', async () => {
  const file = join(folder, 'requests.jsonl');
  writeFileSync(file, '\n{"text":"a"}\r\n\n{"text":"b"}');
  const found = await ossia(['inspect', 'tokens', file]);
  assert.equal(found.stdout.trim().split('\n').length, 2);
  const missing = await ossia(['inspect', 'tokens', join(folder, 'absent.jsonl')]);
  assert.deepEqual([missing.stdout, missing.code], ['', 2]);
  assert.match(missing.stderr, /absent\.jsonl/);
});

test('inspect logits neither replaces what is no regular file nor reads a directory', async () => {
  for (const [args, named] of [
    [['--out', folder], 'not a regular file'],
    [['--out', join(folder, 'x'), folder], 'it is a directory'],
  ] as const) {
    const { stderr, code } = await ossia(['inspect', 'logits', ...reference, ...args]);
    assert.match(stderr, new RegExp(`${named}[\\s\\S]*cli/usage`));
    assert.equal(code, 2);
  }
});
