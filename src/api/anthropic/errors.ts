import { OssiaError } from '../../base/index.ts';
import { problemOf, retryHeaders } from '../errors.ts';
import type { ErrorReply } from '../reply.ts';
import { UNSUPPORTED_THREAD } from './request.ts';

export interface ErrorBody {
  readonly type: 'error';
  readonly error: { readonly type: string; readonly message: string; readonly details?: object };
  readonly request_id?: string;
}

/** `{"type": "error", "error": {"type", "message"}, "request_id"}`. */
export function anthropicError(error: unknown, requestId?: string): ErrorReply {
  const problem = problemOf(error);
  const headers = {
    ...retryHeaders(problem),
    ...(requestId === undefined ? {} : { 'request-id': requestId }),
  };
  return { status: problem.status, body: errorBody(error, requestId), headers };
}

export function errorBody(error: unknown, requestId?: string): ErrorBody {
  const problem = problemOf(error);
  return {
    type: 'error',
    error: { type: errorType(problem.status), message: tooLong(error) ?? problem.message, ...detailsOf(error) },
    ...(requestId === undefined ? {} : { request_id: requestId }),
  };
}

function detailsOf(error: unknown): { readonly details?: object } {
  if (!(error instanceof OssiaError) || error.details.errorCode !== UNSUPPORTED_THREAD) return {};
  return { details: { error_code: UNSUPPORTED_THREAD, unsupported: ['thread'] } };
}

/** Agents shorten their conversation when they read just these words. */
function tooLong(error: unknown): string | undefined {
  if (!(error instanceof OssiaError) || error.code !== 'chat/context-exceeded') return undefined;
  const { promptTokens, contextLength } = error.details;
  return `prompt is too long: ${promptTokens} tokens > ${contextLength} maximum`;
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 413) return 'request_too_large';
  if (status === 429) return 'rate_limit_error';
  if (status === 503) return 'overloaded_error';
  if (status === 504) return 'timeout_error';
  return status < 500 || status === 501 ? 'invalid_request_error' : 'api_error';
}
