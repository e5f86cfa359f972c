import { OssiaError } from '../base/index.ts';

/** For files that do not hold a vocabulary that Ossia can use. */
export function badVocabulary(message: string, cause?: unknown): OssiaError {
  return new OssiaError('tokenizer/bad-vocabulary', message, cause === undefined ? {} : { cause });
}

/** A value from a file, as short as an error message wants it. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
