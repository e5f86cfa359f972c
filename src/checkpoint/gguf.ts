import type { OssiaError } from '../base/index.ts';
import { ggmlTypes, sizeBytes } from './dtypes.ts';
import { GgufReader } from './gguf-reader.ts';
import { readValue } from './gguf-values.ts';
import { MAX_ALIGNMENT, MAX_DIMS, MAX_KEY_VALUES, MAX_NAME_BYTES, MAX_TENSORS } from './limits.ts';
import { checkRanges, show, type TensorEntry } from './ranges.ts';
import type { HeaderSource } from './weight-file.ts';

export interface GgufContents {
  /** Has no prototype, so a key such as `__proto__` is a key like any other. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors: TensorEntry[];
}

const MAGIC = 0x46554747; // "GGUF", read as a little-endian number
const DEFAULT_ALIGNMENT = 32;

/**
 * Reads the header of a GGUF file: magic, counts, key-value pairs, tensor infos, then aligned tensor data.
 * Source: ggml-org/ggml, docs/gguf.md (version 3; version 2 differs in nothing that matters here).
 */
export function readGguf(file: HeaderSource): GgufContents {
  const reader = new GgufReader(file);
  if (reader.u32() !== MAGIC) throw reader.fail('checkpoint/unknown-layout', 'it does not begin with GGUF');
  checkVersion(reader);
  const numTensors = reader.count('the number of tensors', MAX_TENSORS);
  const numPairs = reader.count('the number of key-value pairs', MAX_KEY_VALUES);
  const metadata = readMetadata(reader, numPairs);
  const alignment = readAlignment(reader, metadata);
  const declared = Array.from({ length: numTensors }, () => readTensorInfo(reader, alignment));
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  const tensors = declared.map((entry) => ({ ...entry, offset: dataStart + entry.offset }));
  checkNames(reader, tensors);
  checkRanges(tensors, file.path, file.sizeBytes);
  return { metadata, tensors };
}

function checkVersion(reader: GgufReader): void {
  const version = reader.u32();
  if (version === 2 || version === 3) return;
  const swapped = ((version & 0xff) << 24) | ((version & 0xff00) << 8) | ((version >>> 8) & 0xff00) | (version >>> 24);
  const found =
    swapped >= 1 && swapped <= 3
      ? 'it is a big-endian GGUF file'
      : `it has GGUF version ${version}, versions 2 and 3 are read`;
  throw reader.fail('checkpoint/unsupported-version', found);
}

function readMetadata(reader: GgufReader, numPairs: number): Readonly<Record<string, unknown>> {
  const metadata: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (let i = 0; i < numPairs; i++) {
    const key = reader.name('a key', MAX_NAME_BYTES);
    if (Object.hasOwn(metadata, key)) throw reader.fail('checkpoint/bad-header', `the key ${show(key)} occurs twice`);
    Object.defineProperty(metadata, key, { ...readValue(reader, key), enumerable: true, configurable: true });
  }
  return metadata;
}

function readAlignment(reader: GgufReader, metadata: Readonly<Record<string, unknown>>): number {
  const alignment = metadata['general.alignment'] ?? DEFAULT_ALIGNMENT;
  if (typeof alignment !== 'number' || alignment < 8 || alignment > MAX_ALIGNMENT || Math.log2(alignment) % 1 !== 0) {
    const expected = `expected a power of two from 8 to ${MAX_ALIGNMENT}`;
    throw reader.fail('checkpoint/bad-header', `general.alignment is ${String(alignment).slice(0, 40)}, ${expected}`);
  }
  return alignment;
}

/** The entry's offset is still relative to the tensor data, which begins after the last info. */
function readTensorInfo(reader: GgufReader, alignment: number): TensorEntry {
  const name = reader.name("a tensor's name", MAX_NAME_BYTES);
  const bad = (found: string): OssiaError => reader.fail('checkpoint/bad-header', `tensor ${show(name)} ${found}`);
  if (name === '') throw bad('has no name');
  const numDims = reader.u32();
  if (numDims > MAX_DIMS) {
    throw reader.fail('checkpoint/too-large', `tensor ${show(name)} has ${numDims} axes, at most ${MAX_DIMS} are read`);
  }
  const what = `a size or offset of tensor ${show(name)}`;
  const dims = Array.from({ length: numDims }, () => reader.count(what, Number.MAX_SAFE_INTEGER));
  const shape = dims.reverse(); // the file begins with the axis whose elements are neighbours
  const type = reader.u32();
  const layout = ggmlTypes.get(type);
  if (!layout) {
    throw reader.fail('checkpoint/wrong-dtype', `tensor ${show(name)} has the unknown type ${type}`);
  }
  const offset = reader.count(what, Number.MAX_SAFE_INTEGER);
  if (offset % alignment !== 0) throw bad(`begins at offset ${offset}, which is no multiple of ${alignment}`);
  const size = sizeBytes(layout, shape);
  if (size === undefined) {
    const found = `has the shape [${shape.join(', ')}], impossible for ${layout.dtype} in blocks of ${layout.blockElements}`;
    throw bad(found);
  }
  return { name, dtype: layout.dtype, shape, offset, sizeBytes: size };
}

function checkNames(reader: GgufReader, tensors: readonly TensorEntry[]): void {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) throw reader.fail('checkpoint/bad-header', `the tensor ${show(name)} occurs twice`);
    seen.add(name);
  }
}
