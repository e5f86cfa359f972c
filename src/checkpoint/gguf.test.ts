import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeHeader, type GgufContents, type GgufTensor, type GgufValue } from '../../test/support/gguf-writer.ts';
import { OssiaError, type ProblemCode } from '../base/index.ts';
import { readGguf } from './gguf.ts';
import type { HeaderSource } from './weight-file.ts';

const tensors: GgufTensor[] = [
  { name: 'token_embd.weight', type: 'bf16', shape: [5, 3], bytes: Buffer.alloc(30) },
  { name: 'blk.0.ffn_down_exps.weight', type: 'mxfp4', shape: [2, 3, 64], bytes: Buffer.alloc(204) },
  { name: 'output_norm.weight', type: 'f32', shape: [7], bytes: Buffer.alloc(28) },
];
const DATA_BYTES = 32 + 224 + 28;

/** Reads count how many bytes of the file were asked for. */
function source(bytes: Uint8Array): HeaderSource & { bytesRead: number } {
  return {
    path: '/models/x.gguf',
    sizeBytes: bytes.length,
    bytesRead: 0,
    read(offset, length) {
      assert.ok(offset + length <= bytes.length, 'a read beyond the file');
      this.bytesRead += length;
      return Uint8Array.from(bytes.subarray(offset, offset + length));
    },
  };
}

function file(contents: Partial<GgufContents>, dataBytes = DATA_BYTES): Buffer {
  const header = encodeHeader({ metadata: {}, tensors, ...contents });
  const alignment = contents.alignment ?? 32;
  const padding = (alignment - (header.length % alignment)) % alignment;
  return Buffer.concat([header, Buffer.alloc(padding + dataBytes)]);
}

function refuses(bytes: Uint8Array, code: ProblemCode, found: RegExp): void {
  assert.throws(
    () => readGguf(source(bytes)),
    (error) => {
      assert.ok(error instanceof OssiaError, String(error));
      assert.match(error.message, found);
      assert.match(error.message, /^Cannot use \/models\/x\.gguf: /);
      assert.equal(error.code, code);
      return true;
    },
  );
}

/** A header from raw parts; numbers are u32, bigints u64, text has its length before it. */
function raw(...parts: (number | bigint | string | Buffer)[]): Buffer {
  const encoded = parts.map((part) => {
    if (Buffer.isBuffer(part)) return part;
    if (typeof part === 'string') return Buffer.concat([raw(BigInt(part.length)), Buffer.from(part)]);
    const out = Buffer.alloc(typeof part === 'number' ? 4 : 8);
    if (typeof part === 'number') out.writeUInt32LE(part);
    else out.writeBigUInt64LE(part);
    return out;
  });
  return Buffer.concat(encoded);
}

const MAGIC = Buffer.from('GGUF');
/** A file with one key-value pair, whose value is given raw. */
const withValue = (...value: Parameters<typeof raw>): Buffer => raw(MAGIC, 3, 0n, 1n, 'some.key', ...value);
/** A file with one tensor, given raw after its name, and some data. */
const withTensor = (...info: Parameters<typeof raw>): Buffer =>
  Buffer.concat([raw(MAGIC, 3, 1n, 0n, 'some.tensor', ...info), Buffer.alloc(200)]);

test('tensors come with the outermost axis first and their place in the file', () => {
  const bytes = file({});
  const start = bytes.length - DATA_BYTES;
  assert.equal(start % 32, 0);
  assert.deepEqual(readGguf(source(bytes)).tensors, [
    { name: 'token_embd.weight', dtype: 'bf16', shape: [5, 3], offset: start, sizeBytes: 30 },
    { name: 'blk.0.ffn_down_exps.weight', dtype: 'mxfp4', shape: [2, 3, 64], offset: start + 32, sizeBytes: 204 },
    { name: 'output_norm.weight', dtype: 'f32', shape: [7], offset: start + 256, sizeBytes: 28 },
  ]);
});

test('every type of value is read, and 64-bit numbers stay exact', () => {
  const metadata: Record<string, GgufValue> = {
    u8: { u8: 200 },
    i8: { i8: -100 },
    u16: { u16: 60_000 },
    i16: { i16: -30_000 },
    u32: { u32: 4_000_000_000 },
    i32: { i32: -2_000_000_000 },
    f32: { f32: 0.1 },
    bool: true,
    text: 'gpt-oss 💡',
    small: { u64: 20_914_757_184 },
    large: { u64: 2n ** 64n - 1n },
    edge: { u64: 2n ** 53n },
    negative: { i64: -(2n ** 60n) },
    f64: { f64: 0.1 },
    texts: { array: 'string', values: ['', 'Ġthe', 'ü'] },
    numbers: { array: 'i32', values: [1, -2, 3] },
    none: { array: 'f32', values: [] },
  };
  assert.deepEqual(
    { ...readGguf(source(file({ metadata }))).metadata },
    {
      u8: 200,
      i8: -100,
      u16: 60_000,
      i16: -30_000,
      u32: 4_000_000_000,
      i32: -2_000_000_000,
      f32: Math.fround(0.1),
      bool: true,
      text: 'gpt-oss 💡',
      small: 20_914_757_184,
      large: 2n ** 64n - 1n,
      edge: 2n ** 53n,
      negative: -(2n ** 60n),
      f64: 0.1,
      texts: ['', 'Ġthe', 'ü'],
      numbers: [1, -2, 3],
      none: [],
    },
  );
});

test('arrays of arrays are read, but not without end', () => {
  const numbers = (...values: number[]): Buffer => raw(4, BigInt(values.length), ...values);
  const { metadata } = readGguf(source(withValue(9, 9, 2n, numbers(1, 2, 3), numbers())));
  assert.deepEqual(metadata['some.key'], [[1, 2, 3], []]);
  const deep = Array.from({ length: 50 }, () => raw(9, 1n));
  refuses(withValue(9, ...deep), 'checkpoint/too-large', /"some\.key" nests arrays deeper than 4/);
});

test('an array is decoded once, when it is asked for', () => {
  const { metadata } = readGguf(source(file({ metadata: { list: { array: 'string', values: ['a', 'b'] } } })));
  assert.equal(typeof Object.getOwnPropertyDescriptor(metadata, 'list')?.get, 'function');
  assert.equal(metadata.list, metadata.list);
});

test('a header longer than the first read is read on, and the tensors behind it are not', () => {
  const values = Array.from({ length: 30_000 }, (_, i) => `token ${i}`);
  const bytes = file({ metadata: { list: { array: 'string', values } } }, 4_000_000);
  const from = source(bytes);
  const { metadata, tensors } = readGguf(from);
  assert.deepEqual(metadata.list, values);
  assert.equal(tensors[0]?.offset, bytes.length - 4_000_000);
  assert.ok(from.bytesRead < 2_000_000, `${from.bytesRead} bytes were read`);
});

test('the alignment is the one that the file gives', () => {
  const bytes = file({ alignment: 256 }, 256 + 256 + 28);
  assert.deepEqual(
    readGguf(source(bytes)).tensors.map(({ offset }) => offset % 256),
    [0, 0, 0],
  );
  for (const alignment of [0, 1, 4, 33, 131_072]) {
    const metadata = { 'general.alignment': { u32: alignment } };
    refuses(
      file({ metadata }),
      'checkpoint/bad-header',
      new RegExp(`general\\.alignment is ${alignment}, expected a power`),
    );
  }
  refuses(
    file({ metadata: { 'general.alignment': '32' } }),
    'checkpoint/bad-header',
    /general\.alignment is 32, expected/,
  );
});

test('version 2 is read; 1, 4 and big-endian files are refused as what they are', () => {
  assert.equal(readGguf(source(file({ version: 2 }))).tensors.length, 3);
  refuses(raw(MAGIC, 1, 0n, 0n), 'checkpoint/unsupported-version', /it has GGUF version 1, versions 2 and 3 are read/);
  refuses(raw(MAGIC, 4, 0n, 0n), 'checkpoint/unsupported-version', /it has GGUF version 4/);
  refuses(raw(MAGIC, 0x03000000, 0n, 0n), 'checkpoint/unsupported-version', /it is a big-endian GGUF file/);
  refuses(raw(Buffer.from('GGML'), 3, 0n, 0n), 'checkpoint/unknown-layout', /does not begin with GGUF/);
});

test('a file cut anywhere is refused', () => {
  const bytes = file({ metadata: { a: 'text', b: { array: 'string', values: ['x', 'yz'] } } });
  for (let length = 0; length < bytes.length; length++) {
    const cut = source(bytes.subarray(0, length));
    assert.throws(
      () => readGguf(cut),
      (error) => error instanceof OssiaError && /truncated|too-large/.test(error.code),
      `${length} of ${bytes.length} bytes`,
    );
  }
});

test('absurd counts and lengths are refused before memory is taken', () => {
  const huge = 2n ** 63n;
  refuses(
    raw(MAGIC, 3, huge, 0n),
    'checkpoint/too-large',
    /the number of tensors is 9223372036854775808, the limit is 65536/,
  );
  refuses(raw(MAGIC, 3, 0n, huge), 'checkpoint/too-large', /the number of key-value pairs is/);
  refuses(raw(MAGIC, 3, 0n, 1n, huge), 'checkpoint/too-large', /the length of a key is/);
  refuses(withValue(8, huge), 'checkpoint/too-large', /the length of a string is/);
  refuses(withValue(9, 8, huge), 'checkpoint/too-large', /the length of the array "some\.key" is/);
  refuses(withValue(9, 10, 4_000_000n), 'checkpoint/truncated', /its header runs to byte 32000\d+ at least/);
  refuses(withTensor(5, 1n, 1n, 1n, 1n, 1n, 0, 0n), 'checkpoint/too-large', /"some\.tensor" has 5 axes, at most 4/);
  refuses(withTensor(1, huge, 0, 0n), 'checkpoint/too-large', /a size or offset of tensor "some\.tensor" is/);
});

test('values of unknown type are refused', () => {
  refuses(withValue(13, 0), 'checkpoint/bad-header', /the value of "some\.key" has the unknown type 13/);
  refuses(withValue(9, 77, 1n, 0), 'checkpoint/bad-header', /the value of "some\.key" has the unknown type 77/);
});

test('tensors of unknown type are refused; types that Ossia cannot run are listed by name', () => {
  refuses(withTensor(1, 32n, 5, 0n), 'checkpoint/wrong-dtype', /tensor "some\.tensor" has the unknown type 5/);
  refuses(withTensor(1, 32n, 1_000, 0n), 'checkpoint/wrong-dtype', /has the unknown type 1000/);
  const [tensor] = readGguf(source(withTensor(1, 256n, 12, 0n))).tensors;
  assert.deepEqual([tensor?.dtype, tensor?.sizeBytes], ['q4_K', 144]);
  const [early] = readGguf(source(withTensor(2, 64n, 3n, 4, 0n))).tensors;
  assert.deepEqual([early?.dtype, early?.shape, early?.sizeBytes], ['mxfp4_pairs', [3, 64], 102]);
});

test('rows that end inside a block, and sizes that overflow, are refused', () => {
  refuses(
    withTensor(2, 48n, 2n, 39, 0n),
    'checkpoint/bad-header',
    /the shape \[2, 48\], impossible for mxfp4 in blocks of 32/,
  );
  const big = 2n ** 32n;
  refuses(withTensor(3, big, big, 2n, 0, 0n), 'checkpoint/bad-header', /impossible for f32/);
});

test('offsets have to be aligned and within the file', () => {
  refuses(
    withTensor(1, 3n, 0, 8n),
    'checkpoint/bad-header',
    /"some\.tensor" begins at offset 8, which is no multiple of 32/,
  );
  refuses(withTensor(1, 3n, 0, 192n), 'checkpoint/truncated', /"some\.tensor" ends at byte \d+, the file has/);
  refuses(withTensor(1, 3n, 0, 2n ** 64n - 32n), 'checkpoint/too-large', /a size or offset/);
});

test('tensors that share bytes are refused', () => {
  const pair = (offset: bigint): Buffer => raw('a', 1, 9n, 0, 0n, 'b', 1, 3n, 0, offset);
  const two = (offset: bigint): Buffer => Buffer.concat([raw(MAGIC, 3, 2n, 0n, pair(offset)), Buffer.alloc(200)]);
  assert.equal(readGguf(source(two(64n))).tensors.length, 2);
  refuses(two(32n), 'checkpoint/overlap', /tensor "b" begins at byte \d+, inside "a"/);
});

test('a key or a tensor that occurs twice is refused', () => {
  const key = raw('same', 4, 7);
  refuses(raw(MAGIC, 3, 0n, 2n, key, key), 'checkpoint/bad-header', /the key "same" occurs twice/);
  const tensor = (offset: bigint): Buffer => raw('same', 1, 3n, 0, offset);
  const bytes = Buffer.concat([raw(MAGIC, 3, 2n, 0n, tensor(0n), tensor(32n)), Buffer.alloc(200)]);
  refuses(bytes, 'checkpoint/bad-header', /the tensor "same" occurs twice/);
});

test('keys such as __proto__ are keys like any other', () => {
  const { metadata } = readGguf(source(raw(MAGIC, 3, 0n, 2n, '__proto__', 4, 7, 'constructor', 4, 8)));
  assert.deepEqual(Object.entries(metadata), [
    ['__proto__', 7],
    ['constructor', 8],
  ]);
  assert.equal(metadata.toString, undefined, 'a key that the file does not have');
});

test('names that are no UTF-8 are refused', () => {
  const bad = Buffer.concat([raw(2n), Buffer.of(0xc3, 0x28)]);
  refuses(raw(MAGIC, 3, 0n, 1n, bad, 4, 7), 'checkpoint/bad-header', /a key at byte 32 is not valid UTF-8/);
  refuses(raw(MAGIC, 3, 1n, 0n, bad), 'checkpoint/bad-header', /a tensor's name at byte 32 is not valid UTF-8/);
});
