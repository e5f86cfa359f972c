import { BLOCK, blockBytes, elementCount, type HostTensor, readRow } from '../../tensor/index.ts';

/**
 * Dense weights as 8-bit codes with one f32 scale per 32 columns: scale = amax / 127, code = round(value / scale).
 * Whatever is no matrix of f32, f16 or bf16, or has a broken block at its end, stays as it is.
 */
export function toQ8(tensor: HostTensor): HostTensor {
  const { dtype, shape } = tensor;
  const [rows, cols] = shape;
  const plain = dtype === 'f32' || dtype === 'f16' || dtype === 'bf16';
  if (!plain || shape.length !== 2 || rows === undefined || cols === undefined || cols % BLOCK !== 0) return tensor;

  const size = blockBytes('q8');
  const bytes = new Uint8Array((elementCount(shape) / BLOCK) * size);
  const view = new DataView(bytes.buffer);
  const row = new Float32Array(cols);
  for (let r = 0, at = 0; r < rows; r++) {
    readRow(tensor, [r], row);
    for (let block = 0; block < cols; block += BLOCK, at += size) {
      writeBlock(view, at, row.subarray(block, block + BLOCK));
    }
  }
  const strides = [(cols / BLOCK) * size, size];
  return { label: tensor.label, dtype: 'q8', shape, data: { bytes, offset: 0, strides } };
}

function writeBlock(view: DataView, at: number, values: Float32Array): void {
  const scale = Math.fround(values.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127);
  view.setFloat32(at, scale, true);
  values.forEach((value, j) => {
    view.setInt8(at + 4 + j, scale === 0 ? 0 : Math.min(127, Math.max(-127, roundEven(value / scale))));
  });
}

/** To the nearest integer, ties to even, as processors round. */
export function roundEven(x: number): number {
  const down = Math.floor(x);
  const rest = x - down;
  return rest > 0.5 || (rest === 0.5 && down % 2 !== 0) ? down + 1 : down;
}
