import { closeSync, openSync, writeSync } from 'node:fs';

/** A metadata value. GGUF is typed, so numbers say which type they are; text and booleans need no wrapping. */
export type GgufValue =
  | string
  | boolean
  | { readonly u8: number }
  | { readonly i8: number }
  | { readonly u16: number }
  | { readonly i16: number }
  | { readonly u32: number }
  | { readonly i32: number }
  | { readonly f32: number }
  | { readonly u64: number | bigint }
  | { readonly i64: number | bigint }
  | { readonly f64: number }
  | { readonly array: GgufElementType; readonly values: readonly (string | number | bigint | boolean)[] };

export type GgufElementType =
  | 'u8'
  | 'i8'
  | 'u16'
  | 'i16'
  | 'u32'
  | 'i32'
  | 'f32'
  | 'bool'
  | 'string'
  | 'u64'
  | 'i64'
  | 'f64';

/** Types that the writer can size: id, elements in a block, bytes of a block. */
export const ggufTensorTypes = {
  f32: [0, 1, 4],
  f16: [1, 1, 2],
  mxfp4_pairs: [4, 32, 17],
  q8_0: [8, 32, 34],
  q4_K: [12, 256, 144],
  bf16: [30, 1, 2],
  mxfp4: [39, 32, 17],
} as const;

export interface GgufTensor {
  readonly name: string;
  readonly type: keyof typeof ggufTensorTypes;
  /** Outermost axis first; the file holds it the other way round. */
  readonly shape: readonly number[];
  /** Its bytes, or a function that makes them when their turn to be written comes. */
  readonly bytes: Uint8Array | (() => Uint8Array);
}

export interface GgufContents {
  readonly version?: 2 | 3;
  readonly alignment?: number;
  readonly metadata: Readonly<Record<string, GgufValue>>;
  readonly tensors: readonly GgufTensor[];
}

const elementIds: Record<GgufElementType, number> = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
};
const ARRAY_ID = 9;

/** Writes a little-endian GGUF file, tensors in the given order, each at a multiple of the alignment (32 unless given). */
export function writeGguf(path: string, contents: GgufContents): void {
  const alignment = contents.alignment ?? 32;
  const fd = openSync(path, 'w');
  try {
    let at = writeAll(fd, encodeHeader(contents), 0);
    for (const tensor of contents.tensors) {
      at = writeAll(fd, new Uint8Array(padded(at, alignment) - at), at);
      const bytes = typeof tensor.bytes === 'function' ? tensor.bytes() : tensor.bytes;
      if (bytes.length !== tensorSize(tensor)) {
        throw new RangeError(
          `Expected ${tensorSize(tensor)} bytes for ${tensor.name} [${tensor.shape}], got ${bytes.length}`,
        );
      }
      at = writeAll(fd, bytes, at);
    }
    writeAll(fd, new Uint8Array(padded(at, alignment) - at), at);
  } finally {
    closeSync(fd);
  }
}

/** Everything before the tensor data: magic, counts, key-value pairs, tensor infos. Not padded. */
export function encodeHeader(contents: GgufContents): Buffer {
  return Buffer.concat(headerPieces(contents));
}

/** The same, number by number and string by string, for those who want to damage it. */
export function headerPieces({ version = 3, alignment, metadata, tensors }: GgufContents): Buffer[] {
  const pairs = Object.entries(
    alignment === undefined ? metadata : { ...metadata, 'general.alignment': { u32: alignment } },
  );
  const pieces = [
    Buffer.from('GGUF'),
    scalar('u32', version),
    scalar('u64', tensors.length),
    scalar('u64', pairs.length),
  ];
  for (const [key, value] of pairs) {
    pieces.push(...text(key));
    for (const piece of valuePieces(value)) pieces.push(piece); // a vocabulary is too long for a list of arguments
  }
  let offset = 0;
  for (const tensor of tensors) {
    const dims = [...tensor.shape].reverse().map((size) => scalar('u64', size));
    const type = scalar('u32', ggufTensorTypes[tensor.type][0]);
    pieces.push(...text(tensor.name), scalar('u32', dims.length), ...dims, type, scalar('u64', offset));
    offset = padded(offset + tensorSize(tensor), alignment ?? 32);
  }
  return pieces;
}

/** The type's id, then the value. */
function valuePieces(value: GgufValue): Buffer[] {
  if (typeof value === 'string') return [scalar('u32', elementIds.string), ...text(value)];
  if (typeof value === 'boolean') return [scalar('u32', elementIds.bool), scalar('bool', value)];
  if ('array' in value) {
    const head = [scalar('u32', ARRAY_ID), scalar('u32', elementIds[value.array]), scalar('u64', value.values.length)];
    const { array: type, values } = value;
    return [
      ...head,
      ...values.flatMap((element) => (type === 'string' ? text(String(element)) : scalar(type, element))),
    ];
  }
  const [type, number] = Object.entries(value)[0] as [ScalarType, number | bigint];
  return [scalar('u32', elementIds[type]), scalar(type, number)];
}

/** UTF-8 behind its length. */
function text(value: string): [length: Buffer, bytes: Buffer] {
  const bytes = Buffer.from(value);
  return [scalar('u64', bytes.length), bytes];
}

type ScalarType = Exclude<GgufElementType, 'string'>;

function scalar(type: ScalarType, value: string | number | bigint | boolean): Buffer {
  const out = Buffer.alloc(
    { u8: 1, i8: 1, bool: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8, i64: 8, f64: 8 }[type],
  );
  if (type === 'u64') out.writeBigUInt64LE(BigInt(value));
  else if (type === 'i64') out.writeBigInt64LE(BigInt(value));
  else if (type === 'f32') out.writeFloatLE(Number(value));
  else if (type === 'f64') out.writeDoubleLE(Number(value));
  else if (type === 'i8' || type === 'i16' || type === 'i32') out.writeIntLE(Number(value), 0, out.length);
  else out.writeUIntLE(Number(value), 0, out.length);
  return out;
}

function tensorSize({ type, shape }: GgufTensor): number {
  const [, block, blockSize] = ggufTensorTypes[type];
  return (shape.reduce((product, size) => product * size, 1) / block) * blockSize;
}

function padded(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** Returns the position after the last byte. */
function writeAll(fd: number, bytes: Uint8Array, at: number): number {
  const PIECE = 2 ** 30; // one write call takes less than 2 GiB
  for (let done = 0; done < bytes.length; )
    done += writeSync(fd, bytes, done, Math.min(PIECE, bytes.length - done), at + done);
  return at + bytes.length;
}
