import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ToolRequest, ToolResult } from '../types.ts';
import { openPython } from './python.ts';
import type { Python } from './types.ts';

// Generous, because Python may take half a minute to start on a slow machine.
const python = openPython({
  timeoutMs: 60_000,
  startTimeoutMs: 180_000,
  maxMemory: 256 * 2 ** 20,
  maxFiles: 8 * 2 ** 20,
});
before(() => python.warm());
after(() => python.close());

function run(source: string, rest: Partial<ToolRequest> = {}, on: Python = python): Promise<ToolResult> {
  const signal = new AbortController().signal;
  return on.call({ name: 'python', arguments: source, conversation: 'test', signal, ...rest });
}

async function output(source: string): Promise<string> {
  return (await run(source)).text;
}

async function failure(source: string): Promise<string> {
  const { text, isError } = await run(source);
  assert.equal(isError, true, `no error: ${text}`);
  return text;
}

test('shows what is printed and the value of the last expression, and keeps names', async () => {
  assert.equal(await output('x = 20\nprint("hello")\nx + 1'), 'hello\n21');
  assert.equal(await output('import sys\nprint("to stderr", file=sys.stderr)\nx'), 'to stderr\n20');
  assert.equal(await output('x;'), '[No output: use print() to see values]');
  assert.deepEqual((await run('x * 2')).action, { type: 'code', source: 'x * 2', output: '40' });
});

test('an exception is an error with the traceback of the program alone', async () => {
  const text = await failure('def f(a):\n    return 1 / a\n\nf(0)');
  assert.match(
    text,
    /^Traceback[\s\S]*<cell \d+>", line 4[\s\S]*return 1 \/ a[\s\S]*ZeroDivisionError: division by zero$/,
  );
  assert.doesNotMatch(text, /<exec>|_ossia/);
  assert.match(await failure('if True print(1)'), /SyntaxError/);
});

test('output comes while the program runs', async () => {
  const seen: string[] = [];
  await run('print("one")\nprint("two")', { progress: (text) => seen.push(text) });
  assert.equal(seen.join(''), 'one\ntwo\n');
});

test('the standard library works, sqlite and asyncio too', async () => {
  assert.equal(
    await output('import math, json, re, statistics\nstatistics.mean([1, 2, 6]), math.comb(5, 2)'),
    '(3, 10)',
  );
  assert.equal(
    await output('import sqlite3\nd = sqlite3.connect(":memory:")\nd.execute("select 6 * 7").fetchone()[0]'),
    '42',
  );
  assert.equal(
    await output('import asyncio\nasync def a():\n    await asyncio.sleep(0)\n    return 5\nasyncio.run(a())'),
    '5',
  );
  assert.equal(await output('await asyncio.gather(a(), a())'), '[5, 5]');
  assert.equal(
    await output('import random, secrets, uuid\nlen(str(uuid.uuid4())), 0 <= random.random() < 1'),
    '(36, True)',
  );
});

test('a module that is not here says that none can be installed', async () => {
  assert.match(await failure('import numpy as np'), /numpy is not here: this Python has its standard library only/);
  assert.match(await failure('import micropip'), /switched off/);
});

test('reads no input', async () => {
  assert.match(await failure('input("name? ")'), /EOFError/);
});

test('sees neither files nor environment of this machine', async () => {
  assert.match(await failure('open("/etc/passwd")'), /FileNotFoundError/);
  assert.match(await failure(`open(${JSON.stringify(import.meta.filename ?? '/work')})`), /FileNotFoundError/);
  const seen = await output('import os\nprint(sorted(os.listdir("/")), os.getcwd(), dict(os.environ))');
  assert.match(seen, /'scratch'.* \/scratch /);
  assert.doesNotMatch(seen, /'root'|'usr'|'etc'|NODE|npm_/);
  assert.equal(await output('sorted(os.listdir("/scratch")) == sorted(os.listdir("/mnt/data"))'), 'True');
});

test('has no network and starts no processes', async () => {
  await failure('import socket\nsocket.create_connection(("127.0.0.1", 80), timeout=5)');
  await failure('import urllib.request\nurllib.request.urlopen("http://127.0.0.1/")');
  await failure('import subprocess\nsubprocess.run(["ls"])');
  assert.match(await output('import os\nos.system("true") != 0'), /True|Error/);
  await failure('import pyodide.http');
});

test('does not reach JavaScript by its modules', async () => {
  for (const name of ['js', 'pyodide_js', 'pyodide.code', '_pyodide_core', 'ctypes']) {
    assert.match(await failure(`import ${name}`), /switched off/, name);
  }
});

test('finds nothing of worth in JavaScript when it gets there all the same', async () => {
  const text = await output(`
import sys
closed = sys.meta_path.pop(0)
import _pyodide_core as core
from _pyodide._importhook import jsfinder
array = core.to_js([1, 2])
Array, found = array.constructor, []
Object = Array.constructor
prototype = Object.getPrototypeOf(Array)
found.append('constructor' in list(Object.getOwnPropertyNames(prototype)))
def this(*values): return 1
for attempt in (
    lambda: Object.defineProperty(Object.prototype, 'domain', core.to_js({'value': 1}, dict_converter=Object.fromEntries)),
    lambda: setattr(Array.prototype, 'push', core.create_proxy(this)),
    lambda: setattr(Array, 'isArray', core.create_proxy(this)),
):
    try:
        attempt()
        found.append(True)
    except Exception as error:
        found.append(False)
sys.meta_path.insert(0, closed)
print(list(jsfinder.jsproxies), found)
`);
  assert.equal(text, '[] [False, False, False, False]');
});

test('text does not become JavaScript, even where memory can be written at will', async () => {
  const attempt = `
import sys
sys.meta_path.pop(0)
import ctypes
run = ctypes.CDLL(None).emscripten_run_script_string
run.restype = ctypes.c_char_p
print(run(b"typeof process + typeof require + typeof fetch"))
`;
  const { text, isError } = await run(attempt, { conversation: 'attempt' });
  assert.equal(isError, true);
  assert.doesNotMatch(text, /object|function|undefined/);
  assert.match(text, /broke the interpreter/);
  python.forget?.('attempt');
});

test('memory is limited, and what was there before is still there', async () => {
  assert.match(await failure('much = bytearray(400 * 2**20)'), /MemoryError/);
  assert.match(await failure('much = [bytearray(2**20) for _ in range(400)]'), /MemoryError/);
  assert.equal(await output('x'), '20');
});

test('files have a limit of their own, in bytes and in number', async () => {
  assert.match(await failure('open("a.bin", "wb").write(b"x" * 20 * 2**20)'), /No space left on device/);
  assert.match(await failure('f = open("a.bin", "wb")\nfor _ in range(100): f.write(b"x" * 2**20)'), /No space left/);
  assert.equal(
    await output('f.close(); import os; os.unlink("a.bin"); open("b.bin", "wb").write(b"y" * 6 * 2**20)'),
    '6291456',
  );
  assert.match(await failure('for n in range(10**6): open(f"many{n}", "w").close()'), /No space left/);
  await output('for name in os.listdir(): os.unlink(name)');
});

test('output is cut, and says by how much', async () => {
  const { text } = await run('print("a" * 100_000)');
  assert.match(text, /^a{65536}\n\[34465 bytes more of output are left out\]$/);
});

test('pictures come back: shown, as the last value, and as files', async () => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  await output(`class Dot:\n    def _repr_svg_(self): return '${svg}'`);
  for (const source of ['Dot()', 'display(Dot())', `_ = open("dot.svg", "w").write('${svg}')`]) {
    const { images, text } = await run(source);
    assert.deepEqual(images, [{ mediaType: 'image/svg+xml', base64: btoa(svg) }], source);
    assert.match(text, /is shown to the user/);
  }
  assert.equal((await run('1')).images, undefined); // a file is shown once
  const png = await run('class P:\n    def _repr_png_(self): return b"\\x89PNG"\nP()');
  assert.deepEqual(png.images, [{ mediaType: 'image/png', base64: 'iVBORw==' }]);
});

test('pictures are limited in number and size', async () => {
  const many = await run('for n in range(12): display(Dot())');
  assert.equal(many.images?.length, 8);
  assert.match(many.text, /is not shown: at most 8/);
  const large = await run('_ = open("large.png", "wb").write(b"x" * 5 * 2**20)');
  assert.equal(large.images, undefined);
  assert.match(large.text, /large.png is not shown/);
});

test('conversations do not see each other', async () => {
  assert.match((await run('x', { conversation: 'other' })).text, /NameError/);
  python.forget?.('other');
});

test('calls of one conversation run one after another', async () => {
  const texts = await Promise.all([run('order = [1]'), run('order.append(2)'), run('order')]);
  assert.equal(texts[2].text, '[1, 2]');
});
