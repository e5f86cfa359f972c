import { signal } from '@preact/signals';
import type { ConsoleError } from './types.ts';

/** A reply that is an error, or no reply at all (`console/unreachable`). */
export class ApiError extends Error {
  readonly code: string;
  readonly next: string;
  readonly status: number;

  constructor(error: ConsoleError, status: number) {
    super(error.message);
    this.code = error.code;
    this.next = error.next;
    this.status = status;
  }

  get plain(): ConsoleError {
    return { code: this.code, message: this.message, next: this.next };
  }
}

const KEY = 'ossia.key';

/** Sent as a bearer token. Kept for as long as the tab lives, in no file. */
export const apiKey = signal(stored());
/** The server asked for a key, and the one above (if any) was not it. */
export const keyWanted = signal(false);

function stored(): string {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

export function setApiKey(key: string): void {
  apiKey.value = key.trim();
  keyWanted.value = false;
  try {
    sessionStorage.setItem(KEY, apiKey.value);
  } catch {
    // Then it is forgotten with the page.
  }
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'DELETE';
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** The server's reply, which is a good one; anything else is thrown as an `ApiError`. Paths go without a slash: `ossia/tools`. */
export async function call(path: string, options: CallOptions = {}): Promise<Response> {
  const { body, signal } = options;
  const headers = new Headers();
  if (apiKey.value !== '') headers.set('authorization', `Bearer ${apiKey.value}`);
  if (body !== undefined) headers.set('content-type', 'application/json');
  let response: Response;
  try {
    response = await fetch(`/${path}`, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      headers,
      cache: 'no-store',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw unreachable();
  }
  if (response.ok) return response;
  if (response.status === 401) keyWanted.value = true;
  throw new ApiError(await problem(response), response.status);
}

/** JSON of a reply. */
export async function json<T>(path: string, options?: CallOptions): Promise<T> {
  const response = await call(path, options);
  return (await response.json()) as T;
}

export function unreachable(): ApiError {
  const message = 'The server does not answer';
  const next = 'See whether `ossia serve` still runs, then try again';
  return new ApiError({ code: 'console/unreachable', message, next }, 0);
}

async function problem(response: Response): Promise<ConsoleError> {
  const fallback = { code: `http/${response.status}`, message: `The server answered ${response.status}`, next: '' };
  try {
    const { error } = (await response.json()) as { error?: Partial<ConsoleError> };
    return {
      code: error?.code ?? fallback.code,
      message: error?.message ?? fallback.message,
      next: error?.next ?? fallback.next,
    };
  } catch {
    return fallback;
  }
}
