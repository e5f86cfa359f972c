import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf } from '../bench/speed/lines.ts';
import { bytesPerStep, distinctExperts, operationsPerPromptToken } from '../bench/speed/roofline.ts';
import { parseRow, randomPrompt } from '../bench/speed/rows.ts';
import { decodeRate, summarise } from '../bench/speed/statistics.ts';
import { formatTable } from '../bench/speed/table.ts';
import { presets } from '../bench/synthetic/presets.ts';

test('a summary has the ends and the middle of values in any order', () => {
  assert.deepEqual(summarise([7, 1, 100]), { min: 1, median: 7, max: 100, count: 3 });
  assert.deepEqual(summarise([10, 9, 2, 3]), { min: 2, median: 6, max: 10, count: 4 });
  assert.throws(() => summarise([]), RangeError);
});

test('streams count while all of them run', () => {
  assert.equal(decodeRate([[100, 200, 300]]), 10);
  // Together from 200 to 400: two tokens of the first, four of the second.
  assert.equal(
    decodeRate([
      [0, 300, 400],
      [200, 250, 300, 350, 390, 999],
    ]),
    30,
  );
  assert.throws(() => decodeRate([[100]]), RangeError);
});

test('rows are read from their names', () => {
  assert.deepEqual(parseRow('prefill512', 64).prompts, [512]);
  assert.equal(parseRow('prefill512', 64).count, 1);
  assert.deepEqual(parseRow('decode0', 64).prompts, [1]);
  assert.equal(parseRow('decode4096', 64).count, 65);
  assert.equal(parseRow('streams16', 64).prompts.length, 16);
  assert.deepEqual(parseRow('depth4096', 64), {
    ...parseRow('decode4096', 64),
    name: 'depth4096',
    kind: 'depth',
    title: 'decode after 4,096 made-up tokens',
  });
  assert.equal(parseRow('decode0@2', 64).busy, 2);
  for (const bad of ['decode', 'prefill0', 'streams0', 'start1', 'memory', 'depth0', 'predecode1']) {
    assert.throws(() => parseRow(bad, 64), RangeError, bad);
  }
});

test('a prompt leaves room for its answer in the context', () => {
  const cut = ['prefill', 'memory', 'decode', 'depth'].map((kind) => parseRow(`${kind}131072`, 16, 131_072));
  assert.deepEqual(
    cut.map(({ prompts }) => prompts[0]),
    [131_071, 131_071, 131_055, 131_055],
  );
  assert.equal(cut[3]!.title, 'decode after 131,055 made-up tokens');
  assert.deepEqual(parseRow('decode131000', 16, 131_072).prompts, [131_000]);
  assert.deepEqual(parseRow('decode0', 16, 131_072).prompts, [1]);
});

test('prompts are random, and other ones for another seed', () => {
  const prompt = randomPrompt(512, 3, 201_088);
  assert.deepEqual(prompt, randomPrompt(512, 3, 201_088));
  assert.ok(new Set(prompt).size > 500);
  const shared = randomPrompt(512, 4, 201_088).filter((id) => prompt.includes(id));
  assert.ok(shared.length < 20);
});

test('the bytes and operations of a token are those of gpt-oss-20b', () => {
  const gigabytes = (dense: 'bf16' | 'q8_0', streams = 1) => bytesPerStep(presets['20b'], dense, streams, 0, 0) / 1e9;
  assert.ok(Math.abs(gigabytes('q8_0') - 2.57) < 0.01); // 1.269 of experts, 0.677 of attention, 0.615 of the unembedding
  assert.ok(Math.abs(gigabytes('bf16') - 3.705) < 0.01);
  assert.ok(Math.abs(gigabytes('q8_0', 16) - 10.26) < 0.05);
  assert.ok(Math.abs(distinctExperts(presets['20b'], 4) - 13.2) < 0.1);
  assert.ok(Math.abs(operationsPerPromptToken(presets['20b']) / 1e9 - 6.06) < 0.02);
});

test('a longer context adds its keys and values to the bytes of a token', () => {
  const at = (length: number) => bytesPerStep(presets['20b'], 'q8_0', 2, 1000, length);
  assert.equal(at(64) - at(0), 2 * 2 * 64 * 1000);
  assert.equal(at(4096) - at(0), 2 * (4096 + 128) * 1000);
});

const contender = (subject: 'ossia' | 'llama.cpp' | 'llama-bench', title: string, values: Record<string, number>) => {
  const result = { description: '', kvBytesPerToken: 24_576, resident: undefined, anonymous: undefined };
  const residents = new Map(Object.keys(values).map((name) => [name, 5e9]));
  const results = [{ ...result, values: new Map(Object.entries(values)), residents }];
  return { subject, title, model: '', dense: 'keep', kvBits: 16, denseKind: 'q8_0', results } as const;
};
const limits = { bandwidth: () => 50e9, peak: () => 3000e9 };
const named = (...names: string[]) => names.map((name) => parseRow(name, 32));

test('lines leave out who has no value, and say how often as good as other programs', () => {
  const all = [
    contender('ossia', 'Ossia', { start: 1, prefill512: 240, streams4: 50 }),
    contender('llama.cpp', 'llama.cpp', { start: 20, prefill512: 60, streams4: 25 }),
    contender('llama-bench', 'fork', { prefill512: 120 }),
  ].map((one) => ({ ...one, results: [...one.results] }));
  const lines = linesOf(named('start', 'prefill512', 'streams4'), all, presets['20b'], limits);
  assert.deepEqual(
    lines.map(({ title, subject, ratios }) => [title.split(' ')[0], subject, ratios]),
    [
      ['start', 'Ossia', { 'llama.cpp': 20 }],
      ['start', 'llama.cpp', {}],
      ['prefill', 'Ossia', { 'llama.cpp': 4, fork: 2 }],
      ['prefill', 'llama.cpp', {}],
      ['prefill', 'fork', { 'llama.cpp': 2 }],
      ['decode', 'Ossia', { 'llama.cpp': 2 }],
      ['decode', 'llama.cpp', {}],
    ],
  );
  assert.deepEqual(
    lines.map(({ bound }) => bound !== undefined),
    [false, false, true, false, false, true, false],
  );
  const table = formatTable(lines).split('\n');
  assert.match(table[0]!, /× llama\.cpp {2}× fork {2}bound/);
  assert.match(table[3]!, /^prefill of 512 tokens +Ossia +240 +240 +240 +tokens\/s +4\.00 +2\.00 +495 +48 % +1453$/);
  assert.match(table[5]!, /^ +fork +120 +120 +120 +tokens\/s +2\.00 +727$/);
});

test('a made-up depth has a rate and a size', () => {
  const all = [contender('ossia', 'Ossia', { depth131072: 8 })].map((one) => ({ ...one, results: [...one.results] }));
  const [rate, size] = linesOf(named('depth131072'), all, presets['20b'], limits);
  assert.equal(rate!.title, 'decode after 131,072 made-up tokens');
  assert.ok(Math.abs(rate!.bound! - 50 / (2.57 + 3.22)) < 0.1); // weights, and 24 KiB for each of 131,072 positions
  assert.deepEqual([size!.unit, size!.summary.median], ['GB', 5]);
});
