import { OssiaError } from '../base/index.ts';
import type { Backend } from './backend.ts';

export type BackendName = 'cpu' | 'reference';

export interface BackendOptions {
  /** Threads of the `cpu` backend. Default: the cores that this process may use. */
  readonly threads?: number;
  /** Instruction set of the `cpu` backend, for tests. Default: the best that the machine has. */
  readonly isa?: string;
}

/** Opens a backend. Throws `backend/unavailable` when the addon was not built or the machine lacks what was asked for. */
export async function openBackend(name: BackendName, options: BackendOptions = {}): Promise<Backend> {
  switch (name) {
    case 'reference': {
      const { ReferenceBackend } = await import('./reference/index.ts');
      return new ReferenceBackend();
    }
    case 'cpu': {
      const { CpuBackend } = await import('./cpu/index.ts');
      return CpuBackend.open(options);
    }
    default:
      throw new OssiaError(
        'backend/unavailable',
        `Cannot open backend "${String(name)}": the backends are cpu and reference`,
      );
  }
}
