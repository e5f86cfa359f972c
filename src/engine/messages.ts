import { OssiaError, type ProblemCode } from '../base/index.ts';
import type { LayerRouting } from '../model/index.ts';
import type { EngineInfo } from './open.ts';
import type { EngineStats } from './stats.ts';
import type { GenerateEvent, GenerateParams } from './types.ts';

/** What the caller's thread tells the engine's. `key` names a request; it is never used twice. */
export type ToWorker =
  | {
      readonly type: 'submit';
      readonly key: number;
      readonly ids: Int32Array;
      readonly params: GenerateParams;
      readonly client?: string | undefined;
    }
  | { readonly type: 'cancel'; readonly key: number }
  | { readonly type: 'hurry'; readonly key: number }
  | { readonly type: 'stats'; readonly key: number }
  /** Ended by `cancel`. */
  | { readonly type: 'routing'; readonly key: number; readonly ids: Int32Array; readonly from: number }
  | { readonly type: 'close' };

/** What comes back. Events of one step travel together. */
export type FromWorker =
  | { readonly type: 'ready'; readonly info: EngineInfo }
  | { readonly type: 'failed'; readonly error: WireError }
  | { readonly type: 'events'; readonly events: readonly KeyedEvent[] }
  | { readonly type: 'stats'; readonly key: number; readonly stats: EngineStats }
  | {
      readonly type: 'routing';
      readonly key: number;
      readonly layers?: readonly LayerRouting[] | undefined;
      readonly error?: WireError;
    }
  | { readonly type: 'closed' };

export type KeyedEvent = readonly [
  key: number,
  event: GenerateEvent | { readonly type: 'error'; readonly error: WireError },
];

/** An error as plain data: a structured clone would lose its class, its code and its details. */
export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** Of an OssiaError. */
  readonly code?: ProblemCode;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: WireError;
}

export function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack, cause } = error;
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(error instanceof OssiaError ? { code: error.code, details: plain(error.details) } : {}),
    ...(cause === undefined ? {} : { cause: toWire(cause) }),
  };
}

export function fromWire({ name, message, stack, code, details, cause }: WireError): Error {
  const options = cause === undefined ? {} : { cause: fromWire(cause) };
  if (code !== undefined)
    return new OssiaError(code, message, { ...options, ...(details ? { details: { ...details } } : {}) });
  const Kind = name === 'TypeError' ? TypeError : name === 'RangeError' ? RangeError : Error;
  const error = new Kind(message, options);
  error.name = name;
  if (stack !== undefined) error.stack = stack; // where it happened, not where it arrived
  return error;
}

/** Details that can be cloned; others become text rather than losing the error that they belong to. */
function plain(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(details).map(([key, value]) => {
      try {
        return [key, structuredClone(value)];
      } catch {
        return [key, String(value)];
      }
    }),
  );
}
