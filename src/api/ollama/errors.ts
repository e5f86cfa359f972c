import { OssiaError } from '../../base/index.ts';
import { problemOf, retryHeaders } from '../errors.ts';
import type { ErrorReply } from '../reply.ts';

/** `{"error": "…"}`: a text and nothing else, or Ollama's clients print `[object Object]`. */
export function ollamaError(error: unknown): ErrorReply {
  const problem = problemOf(error);
  return { status: problem.status, body: { error: errorText(error) }, headers: retryHeaders(problem) };
}

/** What goes into `error`, of a reply or of a line in the middle of a stream. */
export function errorText(error: unknown): string {
  return error instanceof OssiaError && error.details.ollama === true ? error.message : problemOf(error).message;
}

/** In the words that Ollama's clients look for: they offer to pull the model. */
export function modelNotFound(name: string): OssiaError {
  const shown = name.length > 200 ? `${name.slice(0, 200)}…` : name;
  return new OssiaError('api/unknown-model', `model "${shown}" not found, try pulling it first`, {
    details: { ollama: true },
  });
}
