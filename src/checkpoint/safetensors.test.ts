import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeTensors, encodeSafetensors, frameSafetensors } from '../../test/support/safetensors-writer.ts';
import { OssiaError, type ProblemCode } from '../base/index.ts';
import { readSafetensors } from './safetensors.ts';
import type { HeaderSource } from './weight-file.ts';

const tensors = [
  { name: 'norm', dtype: 'F32', shape: [7], bytes: Buffer.alloc(28) },
  { name: 'blocks', dtype: 'U8', shape: [2, 3, 1, 16], bytes: Buffer.alloc(96) },
  { name: 'embed', dtype: 'BF16', shape: [3, 5], bytes: Buffer.alloc(30) },
];
const DATA_BYTES = 154;

function source(bytes: Uint8Array): HeaderSource {
  return {
    path: '/models/x.safetensors',
    sizeBytes: bytes.length,
    read: (offset, length) => Uint8Array.from(bytes.subarray(offset, offset + length)),
  };
}

function refuses(bytes: Uint8Array, code: ProblemCode, found: RegExp): void {
  assert.throws(
    () => readSafetensors(source(bytes)),
    (error) => {
      assert.ok(error instanceof OssiaError, String(error));
      assert.match(error.message, found);
      assert.match(error.message, /\/models\/x\.safetensors/);
      assert.equal(error.code, code);
      return true;
    },
  );
}

/** The good file with some of its header's entries replaced; undefined takes one out. */
function changed(entries: Record<string, unknown>, dataBytes = DATA_BYTES): Buffer {
  return frameSafetensors({ ...describeTensors(tensors), ...entries }, Buffer.alloc(dataBytes));
}

test('entries come with shape, lower-case dtype and their place in the file', () => {
  const bytes = encodeSafetensors(tensors);
  const start = bytes.length - DATA_BYTES;
  assert.deepEqual(readSafetensors(source(bytes)), [
    { name: 'norm', dtype: 'f32', shape: [7], offset: start, sizeBytes: 28 },
    { name: 'blocks', dtype: 'u8', shape: [2, 3, 1, 16], offset: start + 28, sizeBytes: 96 },
    { name: 'embed', dtype: 'bf16', shape: [3, 5], offset: start + 124, sizeBytes: 30 },
  ]);
});

test('tensors may be listed in any order, be scalar or empty, and have four bits an element', () => {
  const header = {
    later: { dtype: 'F4', shape: [3, 2], data_offsets: [8, 11] },
    empty: { dtype: 'F32', shape: [0, 5], data_offsets: [8, 8] },
    scalar: { dtype: 'I64', shape: [], data_offsets: [0, 8] },
  };
  const entries = readSafetensors(source(frameSafetensors(header, Buffer.alloc(11))));
  assert.deepEqual(
    entries.map(({ name, dtype, sizeBytes }) => [name, dtype, sizeBytes]),
    [
      ['later', 'f4', 3],
      ['empty', 'f32', 0],
      ['scalar', 'i64', 8],
    ],
  );
});

test('a file without tensors is read as one', () => {
  assert.deepEqual(readSafetensors(source(frameSafetensors({}, Buffer.alloc(0)))), []);
});

test('a file cut anywhere is refused', () => {
  const bytes = encodeSafetensors(tensors);
  for (let length = 0; length < bytes.length; length += 3) {
    assert.throws(
      () => readSafetensors(source(bytes.subarray(0, length))),
      { code: 'checkpoint/truncated' },
      `${length} bytes`,
    );
  }
});

test('a header length beyond the file, or beyond the format, is refused before anything is read', () => {
  const bytes = encodeSafetensors(tensors);
  bytes.writeBigUInt64LE(BigInt(bytes.length - 7));
  refuses(bytes, 'checkpoint/truncated', /its header claims \d+ bytes, the file has \d+/);
  bytes.writeBigUInt64LE(2n ** 64n - 1n);
  refuses(bytes, 'checkpoint/too-large', /claims 18446744073709551615 bytes, the format allows 100000000/);
});

test('tensors that share bytes are refused, with both names', () => {
  const inside = { dtype: 'U8', shape: [30], data_offsets: [123, 153] };
  refuses(changed({ embed: inside }, 153), 'checkpoint/overlap', /tensor "embed" begins at byte \d+, inside "blocks"/);
});

test('bytes before, between or behind the tensors are refused', () => {
  const moved = { dtype: 'BF16', shape: [3, 5], data_offsets: [126, 156] };
  refuses(changed({ embed: moved }, 156), 'checkpoint/bad-header', /2 bytes before tensor "embed" belong to no tensor/);
  refuses(changed({}, 159), 'checkpoint/bad-header', /its last 5 bytes belong to no tensor/);
  refuses(changed({ norm: undefined }), 'checkpoint/bad-header', /28 bytes before tensor "blocks"/);
});

test('a tensor that ends beyond the file is refused', () => {
  refuses(changed({}, 153), 'checkpoint/truncated', /tensor "embed" ends at byte \d+, the file has \d+/);
});

test('a shape that does not fill its bytes is refused', () => {
  const entry = { dtype: 'BF16', shape: [3, 7], data_offsets: [124, 154] };
  refuses(changed({ embed: entry }), 'checkpoint/bad-header', /"embed" has 30 bytes, but BF16 \[3, 7\] takes 42/);
});

test('sizes whose product overflows are refused instead of wrapping around to a small one', () => {
  const shape = [2 ** 32, 2 ** 32, 2 ** 32, 2];
  const entry = { dtype: 'U8', shape, data_offsets: [124, 154] };
  refuses(changed({ embed: entry }), 'checkpoint/bad-header', /takes no number of bytes that a file can hold/);
  const odd = { dtype: 'F4', shape: [3], data_offsets: [124, 125] };
  refuses(changed({ embed: odd }), 'checkpoint/bad-header', /takes no number of bytes/);
});

test('sizes and offsets have to be whole numbers from zero up', () => {
  for (const size of [-1, 1.5, 2 ** 53, 1e300, '3', null, [3], true]) {
    const entry = { dtype: 'U8', shape: [size, 5], data_offsets: [124, 154] };
    refuses(changed({ embed: entry }), 'checkpoint/bad-header', /"embed" has the shape .*, expected a list of sizes/);
  }
  for (const offsets of [[124], [154, 124], [124, 154, 155], [-1, 29], [124, 1e308], {}, null, '124,154']) {
    const entry = { dtype: 'BF16', shape: [3, 5], data_offsets: offsets };
    refuses(
      changed({ embed: entry }),
      'checkpoint/bad-header',
      /"embed" has the data_offsets .*, expected \[begin, end\]/,
    );
  }
});

test('an unknown dtype is refused by name, also one that every object has', () => {
  for (const dtype of ['BF17', 'bf16', '__proto__', 'constructor', 7, undefined]) {
    const entry = { dtype, shape: [3, 5], data_offsets: [124, 154] };
    refuses(changed({ embed: entry }), 'checkpoint/wrong-dtype', /tensor "embed" has the unknown dtype/);
  }
});

test('absurd counts are refused: axes, tensors, letters of a name', () => {
  const deep = { dtype: 'U8', shape: [1, 1, 1, 1, 30], data_offsets: [124, 154] };
  refuses(changed({ embed: deep }), 'checkpoint/too-large', /"embed" has 5 axes, at most 4/);
  refuses(changed({ ['é'.repeat(257)]: deep }), 'checkpoint/too-large', /name has 514 bytes/);
  refuses(changed({ '': deep }), 'checkpoint/too-large', /name has 0 bytes/);
  const empty = { dtype: 'U8', shape: [0], data_offsets: [0, 0] };
  const many = Object.fromEntries(Array.from({ length: 65_537 }, (_, i) => [`t${i}`, empty]));
  refuses(frameSafetensors(many, Buffer.alloc(0)), 'checkpoint/too-large', /declares 65537 tensors/);
});

test('a tensor named twice is refused, one named __proto__ is a tensor', () => {
  const entry = '{"dtype":"U8","shape":[3],"data_offsets":[0,3]}';
  refuses(
    frameSafetensors(`{"a":${entry},"a":${entry}}`, Buffer.alloc(3)),
    'checkpoint/bad-header',
    /the key "a" occurs twice/,
  );
  const [tensor] = readSafetensors(source(frameSafetensors(`{"__proto__":${entry}}`, Buffer.alloc(3))));
  assert.equal(tensor?.name, '__proto__');
});

test('entries and notes of the wrong kind are refused', () => {
  refuses(
    changed({ embed: [124, 154] }),
    'checkpoint/bad-header',
    /"embed" is not described by an object but by \[124,154\]/,
  );
  refuses(
    changed({ __metadata__: { format: 1 } }),
    'checkpoint/bad-header',
    /__metadata__ is not an object of strings/,
  );
  refuses(frameSafetensors('[]', Buffer.alloc(0)), 'checkpoint/bad-header', /expected a JSON object/);
});

test('a name in a message is shortened and its control characters are escaped', () => {
  refuses(changed({ [`\u001b[2J${'x'.repeat(200)}`]: 5 }), 'checkpoint/bad-header', /"\\u001b\[2Jx{73}\.\.\."/);
});
