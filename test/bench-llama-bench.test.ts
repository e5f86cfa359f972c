import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { contenders, parseLlamaBench } from '../bench/speed/contenders.ts';
import { runLlamaBench } from '../bench/speed/llama-bench.ts';
import { benchCommands, describeBuild, parseRecords, rateOf } from '../bench/speed/llama-bench-protocol.ts';
import { parseRow } from '../bench/speed/rows.ts';

const rows = (...names: string[]) => names.map((name) => parseRow(name, 32));
const OLD_HELP = '  -pg <pp,tg>    (default: )\n  -gp <pp,tg>    (default: )\n';
const NEW_HELP = '  -n, --n-gen <n>      (default: 128)\n  -d, --n-depth <n>    (default: 0)\n';
const record = (n_prompt: number, n_gen: number, avg_ts: number, more: object = {}) => {
  return { build_commit: 'abc1234', build_number: 7, n_prompt, n_gen, avg_ts, ...more };
};
const json = (...records: object[]) => JSON.stringify(records, null, 2);

test('rows of an empty context are one call, which a prompt that nobody counts begins', () => {
  const [command, ...others] = benchCommands(rows('start', 'prefill512', 'decode0', 'streams4', 'prefill33'), OLD_HELP);
  assert.deepEqual(others, []);
  assert.deepEqual(command!.args, ['-p', '64,512,33', '-n', '32']);
  assert.deepEqual(
    command!.rows.map(({ name }) => name),
    ['prefill512', 'decode0', 'prefill33'],
  );
  assert.deepEqual(benchCommands(rows('prefill512'), '')[0]!.args, ['-p', '64,512', '-n', '0']);
  assert.deepEqual(benchCommands(rows('start', 'streams4', 'memory8192', 'mixed', 'depth4096'), NEW_HELP), []);
});

test('busy processes and each depth have calls of their own, as the build knows them', () => {
  const wanted = rows('decode0', 'decode0@2', 'decode4096');
  const args = (help: string) =>
    benchCommands(wanted, help).map((command) => [command.busy, ...command.args].join(' '));
  assert.deepEqual(args(OLD_HELP), ['0 -p 64 -n 32', '2 -p 64 -n 32', '0 -p 0 -n 0 -gp 4096,32']);
  assert.deepEqual(args(NEW_HELP), ['0 -p 64 -n 32', '2 -p 64 -n 32', '0 -p 0 -n 32 -d 4096']);
  assert.deepEqual(args('  -p, --n-prompt'), ['0 -p 64 -n 32', '2 -p 64 -n 32']);
});

test('records are found between what a build also prints, and read whatever else they hold', () => {
  const records = parseRecords(
    `loading [model]\n${json(record(512, 0, 56.5, { backends: 'CPU', samples_ts: [56.5] }))}\nbye\n`,
  );
  assert.deepEqual(records, [{ promptTokens: 512, generated: 0, depth: 0, tokensPerSecond: 56.5, build: 'abc1234 7' }]);
  assert.equal(describeBuild(records), 'abc1234 7');
  assert.equal(describeBuild(parseRecords('[{ "n_prompt": 1, "n_gen": 0, "avg_ts": 2 }]')), '');
});

test('output that is no list of tests is refused with what is wrong', () => {
  assert.throws(() => parseRecords(''), /its output has no list: nothing/);
  assert.throws(() => parseRecords('CUDA error\nelsewhere'), /no list: CUDA error/);
  assert.throws(() => parseRecords('[\n {"n_prompt": 5,\n]'), /its output is no JSON/);
  assert.throws(() => parseRecords(json({ n_prompt: 1, n_gen: 0 })), /a number as "avg_ts" in its output, got none/);
  assert.throws(() => parseRecords(json(record(1, 0, -1))), /"avg_ts" in its output, got -1/);
  assert.throws(() => parseRecords('[3]'), /"n_prompt" in its output, got none/);
});

test('a row finds its own test', () => {
  const records = parseRecords(json(record(64, 0, 1), record(64, 0, 2), record(512, 0, 3), record(0, 32, 4)));
  const rate = (name: string) => rateOf(parseRow(name, 32), records);
  assert.deepEqual(['prefill64', 'prefill512', 'decode0'].map(rate), [2, 3, 4]);
  assert.throws(() => rate('prefill2048'), /no test of prefill of 2,048 tokens/);
  assert.throws(() => rate('decode4096'), /no test of decode after 4,096 tokens/);
  const deep = parseRow('decode4096', 32);
  assert.equal(rateOf(deep, parseRecords(json(record(4096, 32, 5)))), 5);
  assert.equal(rateOf(deep, parseRecords(json(record(0, 32, 6, { n_depth: 4096 })))), 6);
  assert.throws(
    () => rateOf(parseRow('decode0', 32), parseRecords(json(record(0, 32, 6, { n_depth: 4096 })))),
    /no test/,
  );
});

test('a program has a name, a path and flags', () => {
  assert.deepEqual(parseLlamaBench('/a b/llama-bench'), {
    name: 'llama-bench',
    program: '/a b/llama-bench',
    flags: [],
  });
  const named = parseLlamaBench('fork=/x=y/llama-bench', ' -rtr 1  -thp 1');
  assert.deepEqual(named, { name: 'fork', program: '/x=y/llama-bench', flags: ['-rtr', '1', '-thp', '1'] });
  assert.equal(parseLlamaBench('/x=y/llama-bench').program, '/x=y/llama-bench');
  assert.throws(() => parseLlamaBench('llama.cpp=/llama-bench'), RangeError);
  assert.throws(() => parseLlamaBench(''), RangeError);
});

test('others run the GGUF file only, and Ossia once for each instruction set', () => {
  const llamaBench = parseLlamaBench('fork=/x/llama-bench');
  const all = contenders({ paths: ['m.gguf', 'm'], kvBits: 8, isas: [undefined, 'avx2'], hasPeer: true, llamaBench });
  assert.deepEqual(
    all.map(({ title, model, isa }) => [title, model, isa].join(' ').trim()),
    [
      'Ossia, GGUF m.gguf',
      'Ossia, GGUF, avx2 m.gguf avx2',
      'llama.cpp m.gguf',
      'fork m.gguf',
      'Ossia, bf16 m',
      'Ossia, bf16, avx2 m avx2',
      'Ossia, q8 m',
      'Ossia, q8, avx2 m avx2',
    ],
  );
});

const folder = mkdtempSync(join(tmpdir(), 'ossia-llama-bench-'));
after(() => rmSync(folder, { recursive: true }));

/** A program that says its help and then runs `body` with its arguments. */
function program(name: string, body: string): string {
  const path = join(folder, name);
  const source = `const args = process.argv.slice(2);\nif (args[0] === '--help') { console.log(${JSON.stringify(OLD_HELP)}); process.exit(0); }\n${body}`;
  writeFileSync(`${path}.cjs`, source);
  writeFileSync(path, `#!/bin/sh\nexec '${process.execPath}' '${path}.cjs' "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

const job = { flags: ['-rtr', '1'], model: 'm.gguf', threads: 3, rows: rows('prefill512', 'decode4096', 'streams4') };

test('a program is asked for all of its rows, and told model, threads and flags', {
  skip: process.platform === 'win32',
}, async () => {
  const echo = program(
    'echo',
    `const said = (name) => args[args.indexOf(name) + 1];
    const [prompt, generated] = args.includes('-gp') ? said('-gp').split(',').map(Number) : [512, 0];
    const speed = [said('-m') === 'm.gguf', said('-t') === '3', said('-rtr') === '1', said('-r') === '1'].filter(Boolean).length;
    console.log(JSON.stringify([{ build_commit: 'abc', n_prompt: prompt, n_gen: generated, avg_ts: speed + prompt }]));`,
  );
  const { values, description } = await runLlamaBench({ ...job, program: echo });
  assert.deepEqual(
    [...values],
    [
      ['prefill512', 516],
      ['decode4096', 4100],
    ],
  );
  assert.equal(description, 'abc -rtr 1');
});

test('a program that is absent or crashes is a sentence', { skip: process.platform === 'win32' }, async () => {
  const crash = program('crash', `console.error('one\\nno room for the model'); process.exit(3);`);
  await assert.rejects(runLlamaBench({ ...job, program: crash }), /^Error: it ended with 3: no room for the model$/);
  const killed = program('killed', `process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 60_000);`);
  await assert.rejects(
    runLlamaBench({ ...job, program: killed }),
    /^Error: it ended with SIGKILL: it did not say why$/,
  );
  const mute = program('mute', '');
  await assert.rejects(runLlamaBench({ ...job, program: mute }), /^Error: its output has no list: nothing$/);
  const absent = join(folder, 'absent');
  await assert.rejects(runLlamaBench({ ...job, program: absent }), /^Error: cannot run .*absent --help: .*ENOENT/);
});
