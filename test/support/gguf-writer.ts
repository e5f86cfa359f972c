/** GGUF files for tests: from scratch, or converted from a Hugging Face directory. */
export { type ConvertOptions, convertToGguf, type DenseType, type GgufDialect } from './gguf-convert.ts';
export {
  encodeHeader,
  type GgufContents,
  type GgufTensor,
  type GgufValue,
  headerPieces,
  writeGguf,
} from './gguf-file.ts';
