import { OssiaError } from '../base/index.ts';
import type { ErrorReply } from './reply.ts';

/** What is wrong in words that every wire format can use. Errors that Ossia did not raise on purpose say nothing of their insides. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  /** What was attempted and found, and what to do next. */
  readonly message: string;
  readonly param: string | null;
  /** When to try again, for what is over by itself. */
  readonly retryAfterMs: number | undefined;
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof OssiaError)) {
    const message = 'The server met an error that it did not expect: see its log under this request id';
    return { status: 500, code: 'internal_error', message, param: null, retryAfterMs: undefined };
  }
  const { param, parameter, retryAfterSeconds } = error.details;
  const named = typeof param === 'string' ? param : typeof parameter === 'string' ? inSnakeCase(parameter) : null;
  const wait = Math.ceil(typeof retryAfterSeconds === 'number' ? retryAfterSeconds * 1000 : 1000);
  return {
    status: error.status,
    code: error.code,
    message: `${error.message}. ${error.next}.`,
    param: named,
    retryAfterMs: error.status === 503 || error.status === 429 ? wait : undefined,
  };
}

/** Whole seconds for everybody, and the milliseconds that the clients of OpenAI, Anthropic and the AI SDK prefer. */
export function retryHeaders({ retryAfterMs }: Problem): Readonly<Record<string, string>> {
  if (retryAfterMs === undefined) return {};
  return { 'retry-after': String(Math.ceil(retryAfterMs / 1000)), 'retry-after-ms': String(retryAfterMs) };
}

/** The layers below name parameters as programs do, `maxTokens`. */
function inSnakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Codes that OpenAI's clients know and act on; all others go out as they are. */
const OPENAI_CODES: Readonly<Record<string, string>> = {
  'chat/context-exceeded': 'context_length_exceeded',
  'engine/context-full': 'context_length_exceeded',
  'api/unknown-model': 'model_not_found',
  'api/unknown-previous-response': 'previous_response_not_found',
  'store/unknown-model': 'model_not_found',
  'engine/queue-full': 'server_is_overloaded',
  'server/unauthorized': 'invalid_api_key',
  'server/too-many-requests': 'rate_limit_exceeded',
};

/** `{"error": {"message", "type", "param", "code"}}`, for Responses, Chat Completions, Completions and Models. */
export function openAiError(error: unknown): ErrorReply {
  const problem = problemOf(error);
  const { status, code, message, param } = problem;
  return {
    status,
    body: { error: { message, type: openAiType(status), param, code: OPENAI_CODES[code] ?? code } },
    headers: retryHeaders(problem),
  };
}

function openAiType(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 404) return 'not_found_error';
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
