import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesPerToken, hasPlace, machineParts, partsOf, timeLeft } from '../../web/src/models/memory.ts';
import { problemOf } from '../../web/src/models/names.ts';
import type { ConsoleModel, MachineFacts } from '../../web/src/net/types.ts';

const machine: MachineFacts = {
  cpu: 'a processor',
  threads: 4,
  memoryBytes: 100,
  freeMemoryBytes: 60,
  bandwidthBytesPerSecond: 1000,
  freeDiskBytes: 50,
  backend: 'cpu',
};

function model(loadedBytes: number, speed?: number): ConsoleModel {
  const memory = { experts: loadedBytes, dense: 0, kvCache: 0 };
  return {
    name: 'm',
    otherNames: [],
    origin: 'path',
    sizeBytes: 1,
    isDefault: false,
    loaded: { contextLength: 1, memory, leases: 0 },
    ...(speed === undefined ? {} : { estimate: { fits: true, memory, decodeTokensPerSecond: speed } }),
  };
}

test('names that the hub or Ossia can know are let through, and others say what a name is', () => {
  for (const name of ['gpt-oss:20b', 'gpt-oss-120b', 'gpt-oss', ' openai/gpt-oss-20b ', 'a/b.c_d-e']) {
    assert.equal(problemOf(name), undefined, name);
  }
  assert.match(problemOf('')!, /Write the name/);
  assert.match(problemOf('https://huggingface.co/openai/gpt-oss-20b')!, /without the address/);
  for (const name of ['llama', 'a/b/c', '../etc', 'a/..', 'a b/c', `a/${'b'.repeat(300)}`])
    assert.ok(problemOf(name), name);
});

test('the machine’s memory is with loaded models, with others, or free, and adds up', () => {
  const of = (loaded: number) => machineParts(machine, [model(loaded)]).map(({ name, bytes }) => [name, bytes]);
  assert.deepEqual(of(10), [
    ['loaded models', 10],
    ['everything else', 30],
    ['free', 60],
  ]);
  assert.deepEqual(of(70), [
    ['loaded models', 40],
    ['free', 60],
  ]);
});

test('parts that are nothing are not told', () => {
  assert.deepEqual(
    partsOf({ experts: 5, dense: 0, kvCache: 2 }).map(({ look }) => look),
    ['experts', 'kv'],
  );
});

test('the speed’s divisor is what a token reads', () => {
  assert.equal(bytesPerToken(model(1, 20), machine), 50);
  assert.equal(bytesPerToken(model(1), machine), undefined);
});

test('the time left is told once something comes', () => {
  const pull = { name: 'm', status: 'running', doneBytes: 10, totalBytes: 110, bytesPerSecond: 50 } as const;
  assert.equal(timeLeft(pull), 2000);
  assert.equal(timeLeft({ ...pull, bytesPerSecond: 0 }), undefined);
  assert.equal(timeLeft({ ...pull, totalBytes: 0 }), undefined);
  assert.equal(timeLeft({ ...pull, doneBytes: 200 }), 0);
});

test('a disk that is too small is known before', () => {
  assert.deepEqual([hasPlace(49, machine), hasPlace(51, machine)], [true, false]);
  const { freeDiskBytes: _, ...unknown } = machine;
  assert.equal(hasPlace(1, unknown), undefined);
});
