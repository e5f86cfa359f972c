import type { ToolImage } from '../types.ts';

/** What a worker is started with. */
export interface WorkerStart {
  /** Holds the file `pyodide.asm.wasm` and its companions. */
  readonly folder: string;
  /** One Int32: 2 interrupts the program. */
  readonly interrupt: SharedArrayBuffer;
  readonly maxMemory: number;
  readonly maxFiles: number;
  readonly maxOutput: number;
}

/** What a process is started with. */
export type ProcessStart = Omit<WorkerStart, 'interrupt'>;

export type ToProcess = ToWorker | ({ readonly type: 'start' } & ProcessStart) | { readonly type: 'interrupt' };

export type ToWorker = { readonly type: 'run'; readonly source: string };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'output'; readonly text: string }
  | {
      readonly type: 'done';
      readonly isError: boolean;
      /** Bytes of output that were left out. */
      readonly cut: number;
      readonly images: readonly ToolImage[];
    }
  /** The interpreter is broken and must go. */
  | { readonly type: 'broken'; readonly message: string };

const imageTypes = new Set(['image/png', 'image/jpeg', 'image/svg+xml']);
/** Pictures of one call at most, and characters of base64 in each. */
export const maxImages = 8;
export const maxImageLength = 6 * 2 ** 20;

/**
 * A message of a worker, which may be under the control of the program that it runs. Undefined when it is none of ours.
 */
export function readMessage(message: unknown): FromWorker | undefined {
  if (typeof message !== 'object' || message === null || !('type' in message)) return undefined;
  const fields = message as Record<string, unknown>;
  switch (fields.type) {
    case 'ready':
      return { type: 'ready' };
    case 'failed':
    case 'broken':
      return { type: fields.type, message: String(fields.message).slice(0, 2000) };
    case 'output':
      return { type: 'output', text: typeof fields.text === 'string' ? fields.text : '' };
    case 'done':
      return {
        type: 'done',
        isError: fields.isError === true,
        cut: typeof fields.cut === 'number' ? fields.cut : 0,
        images: Array.isArray(fields.images) ? fields.images.slice(0, maxImages).filter(isImage) : [],
      };
    default:
      return undefined;
  }
}

function isImage(value: unknown): value is ToolImage {
  if (typeof value !== 'object' || value === null) return false;
  const { mediaType, base64 } = value as Record<string, unknown>;
  if (typeof mediaType !== 'string' || !imageTypes.has(mediaType)) return false;
  return typeof base64 === 'string' && base64.length <= maxImageLength && /^[A-Za-z0-9+/]+={0,2}$/.test(base64);
}
