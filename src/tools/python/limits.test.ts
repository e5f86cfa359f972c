import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { OssiaError } from '../../base/index.ts';
import type { ToolResult } from '../types.ts';
import { openPython } from './python.ts';

const python = openPython({ timeoutMs: 3_000, startTimeoutMs: 180_000, maxInterpreters: 1 });
after(() => python.close());

function run(source: string, conversation = 'a', signal = new AbortController().signal): Promise<ToolResult> {
  return python.call({ name: 'python', arguments: source, conversation, signal });
}

test('a program that runs for too long is interrupted, and names stay', async () => {
  await run('kept = 7');
  const { text, isError } = await run('print("begun")\nwhile True: pass');
  assert.equal(isError, true);
  assert.match(text, /^begun\n[\s\S]*KeyboardInterrupt\n\[Stopped after 3 s/);
  assert.equal((await run('kept')).text, '7');
});

test('a call that is given up stops, and rejects with the reason', async () => {
  const controller = new AbortController();
  const call = run('import time\nprint(1)\ntime.sleep(60)', 'a', controller.signal);
  const reason = new Error('the reader left');
  setTimeout(() => controller.abort(reason), 200);
  await assert.rejects(call, reason);
  assert.equal((await run('kept')).text, '7');
});

test('a program that cannot be interrupted is ended with its interpreter', async () => {
  const { text, isError } = await run(
    'try:\n    while True: pass\nexcept BaseException:\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass',
  );
  assert.equal(isError, true);
  assert.match(text, /Ended after 3 s/);
  assert.match((await run('kept')).text, /NameError/);
});

test('a conversation that rested gives its interpreter to another, and is told', async () => {
  await run('mine = 1');
  assert.equal((await run('1', 'b')).text, '1');
  assert.match((await run('mine')).text, /NameError[\s\S]*names of earlier programs are gone/);
});

test('while all interpreters are busy, others are told to try again', async () => {
  const busy = run('import time\ntime.sleep(1)');
  assert.match((await run('1', 'b')).text, /busy: try again/);
  await busy;
});

test('a program that ends the interpreter says so', async () => {
  assert.match((await run('import os\nos._exit(1)')).text, /broke the interpreter/);
});

test('memory that is taken outside of Python counts too, and nothing that it takes ends anybody else', async (t) => {
  const limits = { maxMemory: 256 * 2 ** 20, maxFiles: 2 ** 20, timeoutMs: 90_000, startTimeoutMs: 180_000 };
  const small = openPython(limits);
  t.after(() => small.close());
  const reach = 'import sys, time\nsys.meta_path.pop(0)\nimport _pyodide_core as core\n';
  const programs = [
    `${reach}kept = [core.to_js(bytearray(10_000_000)) for _ in range(120)]\nprint(len(kept))\ntime.sleep(60)`,
    `${reach}core.to_js([None] * 60_000_000)\nprint("done")`,
    'import json\njson.dumps = lambda *_, **__: "[" + "1," * 60_000_000 + "1]"',
  ];
  for (const source of programs) {
    const { signal } = new AbortController();
    const { text } = await small.call({ name: 'python', arguments: source, conversation: 'a', signal });
    assert.match(text, /broke the interpreter/, source);
  }
});

test('a Python that does not start is an error with a next step', async () => {
  const slow = openPython({ startTimeoutMs: 1 });
  const isNoPython = (error: unknown) =>
    error instanceof OssiaError && error.code === 'tools/no-python' && error.next !== '';
  await assert.rejects(slow.warm(), isNoPython);
  const signal = new AbortController().signal;
  await assert.rejects(slow.call({ name: 'python', arguments: '1', conversation: 'a', signal }), isNoPython);
  await slow.close();
});
