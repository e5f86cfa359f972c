/**
 * What files and kernels both speak: element types, shapes, strided views of bytes, MXFP4 blocks.
 * Knows nothing of files, models or devices.
 */
export { BLOCK, blockBytes, type DType, isBlocked } from './dtype.ts';
export { bf16ToF32, e8m0ToF32, f16ToF32, f32ToBf16, f32ToF16 } from './float.ts';
export { FP4_VALUES, unpackMxfp4 } from './mxfp4.ts';
export { elementCount, extent, type HostTensor, readRow, type Span, slice } from './view.ts';
