import { BLOCK, blockBytes, type DType, isBlocked } from './dtype.ts';
import { bf16ToF32, e8m0ToF32, f16ToF32 } from './float.ts';
import { FP4_VALUES } from './mxfp4.ts';

/** A strided walk over somebody's bytes: where it begins, and how many bytes each axis steps. */
export interface Span {
  readonly bytes: Uint8Array;
  /** First byte, relative to `bytes`. */
  readonly offset: number;
  /** Bytes from one index to the next, an entry per axis. On the last axis a step is one element, or one block of 32. */
  readonly strides: readonly number[];
}

/**
 * A weight as it lies in a file: nothing is copied, so a row may be every other row of a larger tensor.
 * Bytes are little-endian.
 */
export interface HostTensor {
  /** For messages: the tensor's name in its file, and the file. */
  readonly label: string;
  readonly dtype: DType;
  /** Logical shape in elements, outermost axis first: `[n]`, `[rows, cols]` or `[experts, rows, cols]`. */
  readonly shape: readonly number[];
  readonly data: Span;
  /** MXFP4 only: the scale bytes, one per block, with strides of their own. */
  readonly scales?: Span;
  /**
   * MXFP4 only: which weights byte j of a block holds, low nibble first.
   * `pairs`: 2j and 2j + 1 (Hugging Face, OpenAI's original). `halves`: j and j + 16 (GGUF).
   */
  readonly nibbles?: 'pairs' | 'halves';
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** One past the last byte that a span touches, for a shape whose last axis counts elements or blocks of `tail` bytes. */
export function extent(span: Span, counts: readonly number[], tail: number): number {
  if (counts.includes(0)) return span.offset;
  return counts.reduce((end, count, axis) => end + (count - 1) * span.strides[axis]!, span.offset) + tail;
}

/**
 * A part of a tensor along one axis, without copying: indices start, start + step, … below end.
 * The last axis of a blocked dtype can only be cut at multiples of 32, with step 1.
 */
export function slice(tensor: HostTensor, axis: number, start: number, end: number, step = 1): HostTensor {
  const size = tensor.shape[axis]!;
  if (start < 0 || end > size || start > end || step < 1) {
    throw new RangeError(
      `Cannot slice axis ${axis} of ${tensor.label} [${tensor.shape}] from ${start} to ${end} by ${step}`,
    );
  }
  const blocked = isBlocked(tensor.dtype) && axis === tensor.shape.length - 1;
  if (blocked && (start % BLOCK || end % BLOCK || step !== 1)) {
    throw new RangeError(`Cannot slice ${tensor.label} inside a block of ${BLOCK}: ${start} to ${end} by ${step}`);
  }
  const move = (span: Span): Span => ({
    bytes: span.bytes,
    offset: span.offset + (blocked ? start / BLOCK : start) * span.strides[axis]!,
    strides: span.strides.map((stride, i) => (i === axis ? stride * step : stride)),
  });
  const shape = tensor.shape.map((count, i) => (i === axis ? Math.ceil((end - start) / step) : count));
  const { scales } = tensor;
  return { ...tensor, shape, data: move(tensor.data), ...(scales ? { scales: move(scales) } : {}) };
}

/**
 * Reads one row of the last axis as f32 into `out`. `index` addresses the axes before it.
 * An MXFP4 scale of 255 gives NaN.
 */
export function readRow(tensor: HostTensor, index: readonly number[], out: Float32Array): void {
  const { data, dtype, shape } = tensor;
  const cols = shape[shape.length - 1]!;
  const step = data.strides[shape.length - 1]!;
  const view = new DataView(data.bytes.buffer, data.bytes.byteOffset, data.bytes.byteLength);
  const start = index.reduce((at, i, axis) => at + i * data.strides[axis]!, data.offset);
  switch (dtype) {
    case 'f32':
      for (let c = 0; c < cols; c++) out[c] = view.getFloat32(start + c * step, true);
      return;
    case 'f16':
      for (let c = 0; c < cols; c++) out[c] = f16ToF32(view.getUint16(start + c * step, true));
      return;
    case 'bf16':
      for (let c = 0; c < cols; c++) out[c] = bf16ToF32(view.getUint16(start + c * step, true));
      return;
    case 'q8_0':
    case 'q8': {
      const head = blockBytes(dtype) - BLOCK;
      for (let block = 0; block * BLOCK < cols; block++) {
        const at = start + block * step;
        const scale = dtype === 'q8' ? view.getFloat32(at, true) : f16ToF32(view.getUint16(at, true));
        for (let j = 0; j < BLOCK; j++) out[block * BLOCK + j] = view.getInt8(at + head + j) * scale;
      }
      return;
    }
    case 'mxfp4': {
      const scales = tensor.scales!;
      const scaleStart = index.reduce((at, i, axis) => at + i * scales.strides[axis]!, scales.offset);
      const scaleStep = scales.strides[shape.length - 1]!;
      const [low, high] = tensor.nibbles === 'halves' ? [1, 16] : [2, 1]; // distance of j, and of the high nibble
      for (let block = 0; block * BLOCK < cols; block++) {
        const scale = e8m0ToF32(scales.bytes[scaleStart + block * scaleStep]!);
        for (let j = 0; j < 16; j++) {
          const byte = data.bytes[start + block * step + j]!;
          out[block * BLOCK + j * low] = FP4_VALUES[byte & 15]! * scale;
          out[block * BLOCK + j * low + high] = FP4_VALUES[byte >> 4]! * scale;
        }
      }
    }
  }
}
