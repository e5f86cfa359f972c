import { OssiaError, type ProblemCode } from '../base/index.ts';
import { safetensorsTypes, sizeBytes } from './dtypes.ts';
import { describe, isObject, parseJsonObject } from './json.ts';
import { MAX_DIMS, MAX_NAME_BYTES, MAX_SAFETENSORS_HEADER, MAX_TENSORS } from './limits.ts';
import { checkRanges, show, type TensorEntry } from './ranges.ts';
import type { HeaderSource } from './weight-file.ts';

/**
 * Reads the header of a safetensors file: eight bytes of length, then JSON, then the tensors' bytes without a gap.
 * Source: huggingface/safetensors, README, "Format" and "Notes".
 */
export function readSafetensors(file: HeaderSource): TensorEntry[] {
  const fail = (code: ProblemCode, found: string): OssiaError =>
    new OssiaError(code, `Cannot use ${file.path}: ${found}`);
  if (file.sizeBytes < 8)
    throw fail('checkpoint/truncated', `it has ${file.sizeBytes} bytes, less than a safetensors header`);
  const length = new DataView(file.read(0, 8).buffer).getBigUint64(0, true);
  if (length > BigInt(MAX_SAFETENSORS_HEADER)) {
    throw fail(
      'checkpoint/too-large',
      `its header claims ${length} bytes, the format allows ${MAX_SAFETENSORS_HEADER}`,
    );
  }
  const dataStart = 8 + Number(length);
  if (dataStart > file.sizeBytes) {
    throw fail('checkpoint/truncated', `its header claims ${length} bytes, the file has ${file.sizeBytes}`);
  }
  const header = parseJsonObject(file.read(8, Number(length)), `the header of ${file.path}`, 'checkpoint/bad-header');
  const { __metadata__: notes, ...rest } = header;
  if (notes !== undefined && !(isObject(notes) && Object.values(notes).every((note) => typeof note === 'string'))) {
    throw fail('checkpoint/bad-header', `its __metadata__ is not an object of strings but ${describe(notes)}`);
  }
  const declared = Object.entries(rest);
  if (declared.length > MAX_TENSORS) {
    throw fail('checkpoint/too-large', `it declares ${declared.length} tensors, at most ${MAX_TENSORS} are read`);
  }
  const entries = declared.map(([name, value]) => readEntry(name, value, dataStart, fail));
  checkCoverage(checkRanges(entries, file.path, file.sizeBytes), dataStart, file.sizeBytes, fail);
  return entries;
}

type Fail = (code: ProblemCode, found: string) => OssiaError;

function readEntry(name: string, value: unknown, dataStart: number, fail: Fail): TensorEntry {
  const bad = (found: string): OssiaError => fail('checkpoint/bad-header', `tensor ${show(name)} ${found}`);
  if (name === '' || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw fail(
      'checkpoint/too-large',
      `a tensor's name has ${Buffer.byteLength(name)} bytes, expected 1 to ${MAX_NAME_BYTES}`,
    );
  }
  if (!isObject(value)) throw bad(`is not described by an object but by ${describe(value)}`);
  const { dtype, shape, data_offsets: offsets } = value;
  const layout = typeof dtype === 'string' ? safetensorsTypes.get(dtype) : undefined;
  if (!layout) throw fail('checkpoint/wrong-dtype', `tensor ${show(name)} has the unknown dtype ${describe(dtype)}`);
  if (!isSizes(shape)) throw bad(`has the shape ${describe(shape)}, expected a list of sizes`);
  if (shape.length > MAX_DIMS) {
    throw fail('checkpoint/too-large', `tensor ${show(name)} has ${shape.length} axes, at most ${MAX_DIMS} are read`);
  }
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!) {
    throw bad(`has the data_offsets ${describe(offsets)}, expected [begin, end]`);
  }
  const [begin, end] = offsets as [number, number];
  const size = sizeBytes(layout, shape);
  if (size !== end - begin) {
    throw bad(
      `has ${end - begin} bytes, but ${dtype} [${shape.join(', ')}] takes ${size ?? 'no number of bytes that a file can hold'}`,
    );
  }
  return { name, dtype: layout.dtype, shape, offset: dataStart + begin, sizeBytes: size };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0 && !Object.is(size, -0));
}

/** The tensors must fill the data from its first byte to the file's last: nothing may hide between or behind them. */
function checkCoverage(ordered: readonly TensorEntry[], dataStart: number, fileBytes: number, fail: Fail): void {
  let end = dataStart;
  for (const entry of ordered) {
    if (entry.offset !== end) {
      throw fail(
        'checkpoint/bad-header',
        `${entry.offset - end} bytes before tensor ${show(entry.name)} belong to no tensor`,
      );
    }
    end = entry.offset + entry.sizeBytes;
  }
  if (end !== fileBytes) throw fail('checkpoint/bad-header', `its last ${fileBytes - end} bytes belong to no tensor`);
}
