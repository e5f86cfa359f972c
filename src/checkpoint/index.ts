/**
 * Files as named tensors: Hugging Face and original safetensors, GGUF, and the stores that hold them. Everything in
 * a header is hostile until checked. Does not know what the names mean.
 */
export type { Checkpoint, FileDType, FileTensor, Layout } from './checkpoint.ts';
export { type OpenOptions, openCheckpoint } from './open.ts';
export * from './store/index.ts';
export { type Verdict, verifyCheckpoint } from './verify.ts';
