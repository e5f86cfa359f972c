import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Worker } from 'node:worker_threads';
import { type FileMap, mapFile } from './map.ts';

const scratch = mkdtempSync(join(tmpdir(), 'ossia-map-'));
after(() => rmSync(scratch, { recursive: true }));

function map(path: string, sizeBytes: number): FileMap | undefined {
  const fd = openSync(path, 'r');
  try {
    return mapFile(fd, sizeBytes);
  } finally {
    closeSync(fd); // a map does not need its descriptor
  }
}

const small = join(scratch, 'small');
const contents = Buffer.from(Array.from({ length: 10_007 }, (_, i) => (i * 31) % 251));
writeFileSync(small, contents);
const built = map(small, contents.length) !== undefined;
const skip = built ? false : 'the addon ossia_map is not built here';

async function collectGarbage(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 3; i++) {
    collect();
    await setImmediate(); // finalizers run between turns
  }
}

test('a view has the bytes of its place, aligned or not', { skip }, () => {
  const file = map(small, contents.length)!;
  for (const [offset, length] of [
    [0, 10_007],
    [8, 17],
    [9, 33],
    [10_000, 7],
    [10_007, 0],
  ] as const) {
    assert.deepEqual(Buffer.from(file.view(offset, length)), contents.subarray(offset, offset + length));
  }
  const odd = file.view(3, 8);
  assert.equal(
    new Uint16Array(odd.buffer, odd.byteOffset, 4)[0],
    contents.readUInt16LE(3),
    'a typed array fits anywhere',
  );
  file.close();
});

test('views outlive close and collection, and an empty file can be mapped', { skip }, async () => {
  let file: FileMap | undefined = map(small, contents.length)!;
  const views = [file.view(0, 5_000), file.view(5_001, 5_006)];
  file.close();
  assert.throws(() => file?.view(1, 2), /the map was closed/);
  file = undefined;
  await collectGarbage();
  assert.deepEqual(Buffer.concat([views[0]!, contents.subarray(5_000, 5_001), views[1]!]), contents);
  writeFileSync(join(scratch, 'empty'), '');
  const empty = map(join(scratch, 'empty'), 0)!;
  assert.equal(empty.view(0, 0).length, 0);
  empty.close();
});

test('memory is given back once nobody can see it', {
  skip: skip || (process.platform !== 'linux' && 'it reads /proc'),
}, async () => {
  const path = join(scratch, 'watched');
  writeFileSync(path, contents);
  const mapped = (): boolean => readFileSync('/proc/self/maps', 'utf8').includes(path);
  let view: Uint8Array | undefined;
  (() => {
    const file = map(path, contents.length)!;
    view = file.view(8, 100);
    file.close();
  })();
  await collectGarbage();
  assert.ok(mapped(), 'a view is left');
  assert.equal(view?.[0], contents[8]);
  view = undefined;
  await collectGarbage();
  assert.ok(!mapped(), 'the map is still there');
});

test('views beyond 2 and 4 GiB', { skip }, () => {
  const path = join(scratch, 'large');
  const size = 9 * 2 ** 30 + 5;
  writeFileSync(path, '');
  truncateSync(path, size); // a hole takes no space on the disk
  const fd = openSync(path, 'r+');
  const marks = [0, 2 ** 31 - 8, 2 ** 31 + 3, 2 ** 32 - 4, 5 * 2 ** 30, size - 5];
  for (const at of marks) writeSync(fd, 'mark!', at);
  closeSync(fd);
  const file = map(path, size)!;
  for (const at of marks) assert.equal(Buffer.from(file.view(at, 5)).toString(), 'mark!', `at ${at}`);
  const wide = file.view(8, 2 ** 31 + 11);
  assert.equal(wide.length, 2 ** 31 + 11);
  assert.equal(Buffer.from(wide.subarray(2 ** 31 - 5, 2 ** 31)).toString(), 'mark!');
  file.close();
  rmSync(path);
});

test('nothing outside the file can be seen, whatever is asked for', { skip }, () => {
  interface Addon {
    map(fd: unknown): object;
    view(handle: unknown, offset: unknown, length: unknown): Uint8Array;
    close(handle: unknown): void;
  }
  const addon = createRequire(import.meta.url)('../../build/Release/ossia_map.node') as Addon;
  const fd = openSync(small, 'r');
  const handle = addon.map(fd);
  closeSync(fd);
  const size = contents.length;
  for (const [offset, length] of [
    [0, size + 1],
    [size, 1],
    [size + 1, 0],
    [2 ** 52, 2 ** 52],
    [1, 2 ** 53 - 1],
  ]) {
    assert.throws(() => addon.view(handle, offset, length), RangeError, `${length} at ${offset}`);
  }
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2 ** 64, '1', 1n, undefined, {}]) {
    assert.throws(() => addon.view(handle, bad, 1), TypeError);
    assert.throws(() => addon.view(handle, 1, bad), TypeError);
  }
  for (const stranger of [{}, Object.create(handle), [], null, undefined, 7, 'handle', new Proxy(handle, {})]) {
    assert.throws(() => addon.view(stranger, 0, 1), TypeError);
    assert.throws(() => addon.close(stranger), TypeError);
  }
  for (const descriptor of [-1, 99_999, '3', undefined]) assert.throws(() => addon.map(descriptor));
  const directory = openSync(scratch, 'r');
  assert.throws(() => addon.map(directory), /not a regular file/);
  closeSync(directory);
  addon.close(handle);
  addon.close(handle);
  assert.throws(() => addon.view(handle, 0, 1), /the map was closed/);
});

test('worker threads map the same file, come and go, and leave no trace', { skip }, async () => {
  const source = `
    import { workerData, parentPort } from 'node:worker_threads';
    import { openCheckpoint } from ${JSON.stringify(new URL('./index.ts', import.meta.url).href)};
    const checkpoint = await openCheckpoint(workerData);
    let sum = 0;
    for (const tensor of checkpoint.tensors.values()) for (const byte of tensor.bytes()) sum += byte;
    parentPort.postMessage([checkpoint.mapped, sum]); // and ends without close
  `;
  const path = join(import.meta.dirname, '../../test/golden/micro');
  const run = (): Promise<[boolean, number]> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), { workerData: path });
      let answer: [boolean, number] | undefined;
      worker.on('message', (message) => (answer = message));
      worker.on('error', reject);
      worker.on('exit', (code) => (answer ? resolve(answer) : reject(new Error(`exit ${code}`))));
    });
  const answers = [...(await Promise.all([run(), run(), run()])), await run()];
  for (const answer of answers) assert.deepEqual(answer, [true, answers[0]![1]]);
  const file = map(small, contents.length)!;
  assert.deepEqual(Buffer.from(file.view(0, contents.length)), contents);
  file.close();
});
