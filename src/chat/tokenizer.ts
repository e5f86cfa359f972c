import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OssiaError } from '../base/index.ts';
import { type Checkpoint, openCheckpoint } from '../checkpoint/index.ts';
import { readConfig } from '../model/index.ts';
import { o200kHarmony, type Tokenizer, tokenizerFromGguf, tokenizerFromJson } from '../tokenizer/index.ts';

/** Size of gpt-oss's vocabulary: who has it has o200k_harmony. */
const GPT_OSS_VOCABULARY = 201_088;

/** Several times the tokenizer.json of gpt-oss. */
const MAX_FILE_BYTES = 1 << 28;

/**
 * The tokenizer of a checkpoint: its tokenizer.json (for OpenAI's `original/` layout also the one a directory up), the
 * vocabulary inside a GGUF file, or o200k_harmony where the model has gpt-oss's vocabulary. Throws `tokenizer/bad-vocabulary`.
 */
export function openTokenizer(checkpoint: Checkpoint): Tokenizer {
  const { metadata, layout } = checkpoint;
  if (layout === 'gguf' && metadata['tokenizer.ggml.tokens'] !== undefined)
    return naming(checkpoint.path, () => fromGguf(metadata));
  const candidates = tokenizerFiles(checkpoint);
  const file = candidates.find((path) => existsSync(path));
  if (file !== undefined) return naming(file, () => tokenizerFromJson(readText(file)));
  const { vocabSize } = readConfig(checkpoint);
  if (vocabSize === GPT_OSS_VOCABULARY) return o200kHarmony();
  throw new OssiaError(
    'tokenizer/bad-vocabulary',
    `Cannot find the tokenizer of ${checkpoint.path}: no ${candidates.join(', no ')}, and ${vocabSize} tokens are not o200k_harmony`,
  );
}

/** The tokenizer of the model at a path. */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  const checkpoint = await openCheckpoint(path, { map: false }); // headers only; the engine maps the weights
  try {
    return openTokenizer(checkpoint);
  } finally {
    checkpoint.close();
  }
}

/** Reads a file that could be anything: a pipe would block for ever. */
function readText(file: string): string {
  const stats = statSync(file);
  if (!stats.isFile()) throw new OssiaError('tokenizer/bad-vocabulary', 'it is not a regular file');
  if (stats.size > MAX_FILE_BYTES) {
    throw new OssiaError('tokenizer/bad-vocabulary', `it has ${stats.size} bytes, at most ${MAX_FILE_BYTES} are read`);
  }
  return readFileSync(file, 'utf8');
}

/** Says which file it is that does not hold a vocabulary, or cannot be read. */
function naming(file: string, open: () => Tokenizer): Tokenizer {
  try {
    return open();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const code = cause instanceof OssiaError ? cause.code : 'checkpoint/read-failed';
    throw new OssiaError(code, `Cannot use the tokenizer of ${file}: ${cause.message}`, { cause });
  }
}

function tokenizerFiles({ path, files, layout }: Pick<Checkpoint, 'path' | 'files' | 'layout'>): string[] {
  const directory = files[0] ? dirname(files[0].path) : path; // `path` may be the directory around `original`
  const isOriginal = layout === 'original' || basename(directory) === 'original';
  return [directory, ...(isOriginal ? [dirname(directory)] : [])].map((place) => join(place, 'tokenizer.json'));
}

/** The lists come as the file holds them; `tokenizerFromGguf` checks them. */
function fromGguf(metadata: Checkpoint['metadata']): Tokenizer {
  const get = (key: string) => metadata[`tokenizer.ggml.${key}`];
  const pre = get('pre');
  return tokenizerFromGguf({
    tokens: get('tokens') as readonly string[],
    tokenTypes: get('token_type') as ArrayLike<number>,
    merges: get('merges') as readonly string[],
    ...(pre === undefined ? {} : { pre: String(pre) }),
  });
}
