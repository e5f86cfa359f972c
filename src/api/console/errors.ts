import { OssiaError } from '../../base/index.ts';
import { problemOf, retryHeaders } from '../errors.ts';
import type { ErrorReply } from '../reply.ts';
import type { ConsoleError } from './types.ts';

/** What went wrong, with its next step apart. Errors that Ossia did not raise on purpose say nothing of their insides. */
export function consoleErrorOf(error: unknown): ConsoleError {
  if (error instanceof OssiaError) return { code: error.code, message: error.message, next: error.next };
  return {
    code: 'internal_error',
    message: 'The server met an error that it did not expect',
    next: 'See its log under the id of this request',
  };
}

/** `{"error": {"message", "code", "next"}}`, for all under `/ossia/`. */
export function consoleError(error: unknown): ErrorReply {
  const problem = problemOf(error);
  return { status: problem.status, body: { error: consoleErrorOf(error) }, headers: retryHeaders(problem) };
}
