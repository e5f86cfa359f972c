/**
 * What a header may ask for. gpt-oss-120b, the largest model here, has 687 tensors and a 12 MB GGUF header; anything
 * far beyond is a mistake or an attack, and refusing it early keeps memory and time bounded.
 */

/** The safetensors format's own limit on its JSON header. */
export const MAX_SAFETENSORS_HEADER = 100_000_000;
/** Ten times that of gpt-oss. */
export const MAX_GGUF_HEADER = 128 * 2 ** 20;
/** config.json and generation_config.json are 2 KB. */
export const MAX_CONFIG = 2 ** 20;
/** model.safetensors.index.json of 120b is 60 KB. */
export const MAX_INDEX = 16 * 2 ** 20;
export const MAX_TENSORS = 65_536;
export const MAX_SHARDS = 1_000;
export const MAX_KEY_VALUES = 65_536;
/** The largest in gpt-oss are the experts' blocks, [experts, rows, groups, 16]; GGUF's own limit is 4 too. */
export const MAX_DIMS = 4;
/** ggml stops at 64, Hugging Face's longest is 54. */
export const MAX_NAME_BYTES = 512;
/** GGUF allows arrays of arrays; no known file has them. */
export const MAX_ARRAY_DEPTH = 4;
/** The deepest JSON in a checkpoint is 3. */
export const MAX_JSON_DEPTH = 32;
/** A tensor's entry has 11; 100 MB of `{},` would become objects of several gigabytes. */
export const MAX_JSON_VALUES = 2 ** 21;
/** Files in use have 32. Larger ones only waste space, and a page is the most that a reader gains from. */
export const MAX_ALIGNMENT = 65_536;
/** gpt-oss has 446,189 merges; each element takes tens of bytes once it is decoded. */
export const MAX_ARRAY_LENGTH = 2 ** 22;
