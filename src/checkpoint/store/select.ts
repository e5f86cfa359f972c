import { OssiaError } from '../../base/index.ts';
import { ggufParts } from './directory.ts';
import type { RemoteFile, RemoteRepository } from './hub.ts';
import { isHubId, knownModel, knownModels } from './names.ts';

/** Which files to download: Hugging Face's layout, OpenAI's `original/` directory, or llama.cpp's GGUF file. */
export type Include = 'huggingface' | 'original' | 'gguf';

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json', 'chat_template.jinja'];
const MODEL_FILES = ['config.json', 'generation_config.json', 'model.safetensors.index.json', ...TOKENIZER_FILES];
const DOCUMENTS = /^(?:LICENSE|README|USAGE_POLICY|NOTICE)(?:\.\w+)?$/i;

/** The repository that a name stands for. Throws `store/unknown-model` for a name that stands for none. */
export function repositoryToPull(name: string, include: Include | undefined): string {
  const known = knownModel(name) ?? knownModels.find(({ hub }) => hub === name);
  if (known !== undefined) {
    if (include !== 'gguf') return known.hub;
    if (known.gguf !== undefined) return known.gguf;
    throw new OssiaError(
      'store/unknown-model',
      `Cannot pull ${name} as GGUF: name a repository with GGUF files instead`,
    );
  }
  if (isHubId(name)) return name;
  const examples = 'openai/gpt-oss-20b, gpt-oss:20b or gpt-oss:120b';
  throw new OssiaError(
    'store/unknown-model',
    `Cannot pull "${name}": expected the name of a hub repository, as ${examples}`,
  );
}

/** The files of a repository to download. A repository that has only GGUF files needs no `include` to say so. */
export function selectFiles(repository: RemoteRepository, include: Include | undefined): readonly RemoteFile[] {
  const { files } = repository;
  const has = (pattern: RegExp) => files.some(({ path }) => pattern.test(path));
  const weights = /^[^/]+\.safetensors$/;
  const chosen = include ?? (!has(weights) && has(/^[^/]+\.gguf$/i) ? 'gguf' : 'huggingface');
  switch (chosen) {
    case 'huggingface':
      if (!has(weights)) throw lacks(repository, '*.safetensors');
      return files.filter(({ path }) => MODEL_FILES.includes(path) || weights.test(path) || DOCUMENTS.test(path));
    case 'original':
      if (!has(/^original\/[^/]+\.safetensors$/)) throw lacks(repository, 'original/*.safetensors');
      return files.filter(
        ({ path }) => path.startsWith('original/') || TOKENIZER_FILES.includes(path) || DOCUMENTS.test(path),
      );
    case 'gguf': {
      const parts = ggufSet(repository);
      return files.filter(({ path }) => parts.includes(path) || DOCUMENTS.test(path));
    }
    default:
      throw new RangeError(`Expected include to be huggingface, original or gguf, got ${JSON.stringify(chosen)}`);
  }
}

/** The MXFP4 file, in all its parts; or the only one there is. Every other quantisation loses precision for nothing. */
function ggufSet(repository: RemoteRepository): readonly string[] {
  const names = repository.files.map(({ path }) => path).filter((path) => /^[^/]+\.gguf$/i.test(path));
  const firsts = names.filter((name) => ggufParts(name)[0] === name);
  const mxfp4 = firsts.filter((name) => /mxfp4/i.test(name));
  const candidates = mxfp4.length > 0 ? mxfp4 : firsts;
  const [first, ...others] = candidates;
  if (first === undefined) throw lacks(repository, '*.gguf');
  if (others.length > 0) {
    const message = `Cannot choose a file of ${repository.id}: it has ${candidates.join(', ')}, and none is the MXFP4 one`;
    throw new OssiaError('store/unknown-model', message);
  }
  const parts = ggufParts(first);
  const absent = parts.filter((name) => !names.includes(name));
  if (absent.length > 0) throw lacks(repository, absent.join(', '));
  return parts;
}

function lacks({ id, files }: RemoteRepository, what: string): OssiaError {
  const some = files.slice(0, 8).map(({ path }) => path);
  const list = `${some.join(', ')}${files.length > some.length ? ', …' : ''}`;
  return new OssiaError('store/unknown-model', `Cannot pull ${id}: it has no ${what}, only ${list || 'nothing'}`);
}
