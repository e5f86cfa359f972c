import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SafetensorsWriter } from './safetensors-writer.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

function read(path: string) {
  const file = readFileSync(path);
  const room = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + room));
  const values = (name: string) => {
    const [begin, end] = header[name].data_offsets;
    const data = file.subarray(8 + room + begin, 8 + room + end);
    return Array.from({ length: data.length / 4 }, (_, i) => data.readFloatLE(4 * i));
  };
  return { header, values, dataBytes: file.length - 8 - room };
}

test('rows may come in any order, and each tensor begins where the last one ends', () => {
  const path = join(folder, 'a.safetensors');
  const writer = new SafetensorsWriter(path, 2);
  writer.writeRow(1, Float32Array.of(4, 5, 6));
  writer.writeRow(0, Float32Array.of(1, 2, 3));
  writer.finishTensor('logits.0', [2, 3]);
  writer.writeRow(0, Float32Array.of(-7, 0.5));
  writer.finishTensor('logits.1', [1, 2]);
  writer.close();

  const { header, values, dataBytes } = read(path);
  assert.deepEqual(header['logits.0'], { dtype: 'F32', shape: [2, 3], data_offsets: [0, 24] });
  assert.deepEqual(header['logits.1'], { dtype: 'F32', shape: [1, 2], data_offsets: [24, 32] });
  assert.deepEqual(values('logits.0'), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(values('logits.1'), [-7, 0.5]);
  assert.equal(dataBytes, 32);
});

test('a tensor that was not finished leaves no bytes behind', () => {
  const path = join(folder, 'b.safetensors');
  const writer = new SafetensorsWriter(path, 3);
  writer.writeRow(0, Float32Array.of(1));
  writer.finishTensor('logits.0', [1, 1]);
  writer.writeRow(4, Float32Array.of(9, 9, 9));
  writer.close();
  const { header, dataBytes } = read(path);
  assert.deepEqual(Object.keys(header), ['logits.0']);
  assert.equal(dataBytes, 4);
});

test('the file has its name only when it is complete', () => {
  const path = join(folder, 'c.safetensors');
  const writer = new SafetensorsWriter(path, 1);
  writer.writeRow(0, Float32Array.of(1));
  assert.equal(existsSync(path), false);
  writer.abandon();
  assert.equal(existsSync(path), false);
  assert.equal(existsSync(`${path}.partial`), false);
});

test('the room for the header suffices for 1001 tensors with the longest numbers', () => {
  const path = join(folder, 'd.safetensors');
  const writer = new SafetensorsWriter(path, 1001);
  for (let i = 0; i < 1001; i++) writer.finishTensor(`logits.${i}`, [131_072, 0]);
  writer.close();
  assert.equal(Object.keys(read(path).header).length, 1001);
});
