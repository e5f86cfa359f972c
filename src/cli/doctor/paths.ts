import { openBackend } from '../../backends/index.ts';
import { describe } from '../failure.ts';

/** A way to compute on this machine. */
export interface ComputePath {
  readonly backend: 'cpu' | 'reference';
  readonly available: boolean;
  /** What it is made of, or why it is not there. */
  readonly detail: string;
  readonly next?: string;
}

/** Opens each backend for a moment. */
export async function probePaths(): Promise<ComputePath[]> {
  return [
    await probe('cpu'),
    { backend: 'reference', available: true, detail: 'plain TypeScript, for comparison: hundreds of times slower' },
  ];
}

async function probe(backend: 'cpu'): Promise<ComputePath> {
  try {
    const opened = await openBackend(backend);
    const detail = opened.description;
    opened.dispose();
    return { backend, available: true, detail };
  } catch (error) {
    const { message, next } = describe(error);
    return { backend, available: false, detail: message, next };
  }
}
