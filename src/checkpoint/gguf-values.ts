import type { GgufReader } from './gguf-reader.ts';
import { MAX_ARRAY_DEPTH, MAX_ARRAY_LENGTH } from './limits.ts';
import { show } from './ranges.ts';

/** A property: the value itself, or a getter for arrays, which are decoded when somebody asks. */
export type ValueProperty = { readonly value: unknown } | { readonly get: () => unknown };

interface Scalar {
  readonly bytes: number;
  read(from: Buffer, at: number): number | bigint | boolean;
}

/** GGUF's value types by id (docs/gguf.md, `gguf_metadata_value_type`), but for the string and the array. */
const scalars: readonly (Scalar | undefined)[] = [
  { bytes: 1, read: (from, at) => from.readUInt8(at) },
  { bytes: 1, read: (from, at) => from.readInt8(at) },
  { bytes: 2, read: (from, at) => from.readUInt16LE(at) },
  { bytes: 2, read: (from, at) => from.readInt16LE(at) },
  { bytes: 4, read: (from, at) => from.readUInt32LE(at) },
  { bytes: 4, read: (from, at) => from.readInt32LE(at) },
  { bytes: 4, read: (from, at) => from.readFloatLE(at) },
  { bytes: 1, read: (from, at) => from.readUInt8(at) !== 0 },
  undefined,
  undefined,
  { bytes: 8, read: (from, at) => narrow(from.readBigUInt64LE(at)) },
  { bytes: 8, read: (from, at) => narrow(from.readBigInt64LE(at)) },
  { bytes: 8, read: (from, at) => from.readDoubleLE(at) },
];
const STRING = 8;
const ARRAY = 9;

/** Reads or passes over one value; afterwards the reader stands behind it. */
export function readValue(reader: GgufReader, key: string): ValueProperty {
  const type = reader.u32();
  const start = reader.position;
  skipValue(reader, type, key, 0);
  const bytes = reader.since(start);
  if (type !== ARRAY) return { value: decode(bytes, type, { at: 0 }) };
  let values: unknown;
  // A vocabulary and its merges are 650,000 strings; whoever wants the model's sizes should not wait for them.
  return { get: () => (values ??= decode(bytes, type, { at: 0 })) };
}

function skipValue(reader: GgufReader, type: number, key: string, depth: number): void {
  if (type === STRING) reader.skipString();
  else if (type === ARRAY) skipArray(reader, key, depth);
  else reader.skip(scalarOf(reader, type, key).bytes);
}

function skipArray(reader: GgufReader, key: string, depth: number): void {
  if (depth === MAX_ARRAY_DEPTH) {
    throw reader.fail('checkpoint/too-large', `the value of ${show(key)} nests arrays deeper than ${MAX_ARRAY_DEPTH}`);
  }
  const elementType = reader.u32();
  const count = reader.count(`the length of the array ${show(key)}`, MAX_ARRAY_LENGTH);
  if (elementType === STRING || elementType === ARRAY) {
    for (let i = 0; i < count; i++) skipValue(reader, elementType, key, depth + 1);
  } else {
    reader.skip(count * scalarOf(reader, elementType, key).bytes);
  }
}

function scalarOf(reader: GgufReader, type: number, key: string): Scalar {
  const scalar = scalars[type];
  if (!scalar) throw reader.fail('checkpoint/bad-header', `the value of ${show(key)} has the unknown type ${type}`);
  return scalar;
}

/** Decodes a value whose extent was checked before. Moves `cursor` behind it. */
function decode(bytes: Buffer, type: number, cursor: { at: number }): unknown {
  if (type === STRING) {
    const start = cursor.at + 8;
    cursor.at = start + bytes.readUIntLE(cursor.at, 6); // the upper bytes of the length are zero
    return bytes.toString('utf8', start, cursor.at);
  }
  if (type !== ARRAY) {
    const scalar = scalars[type]!;
    cursor.at += scalar.bytes;
    return scalar.read(bytes, cursor.at - scalar.bytes);
  }
  const elementType = bytes.readUInt32LE(cursor.at);
  const count = bytes.readUIntLE(cursor.at + 4, 6);
  cursor.at += 12;
  const values: unknown[] = [];
  for (let i = 0; i < count; i++) values.push(decode(bytes, elementType, cursor));
  return values;
}

/** A 64-bit number as a number where that is exact. */
function narrow(value: bigint): number | bigint {
  return BigInt.asIntN(54, value) === value && value !== -(2n ** 53n) ? Number(value) : value;
}
