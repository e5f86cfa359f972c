import type { HostTensor } from '../../tensor/index.ts';
import type { Backend, KvPool, KvShape, Step, UploadOptions, Weight } from '../backend.ts';
import { ReferenceKvPool } from './kv-pool.ts';
import { toQ8 } from './quantize.ts';
import { ReferenceStep } from './step.ts';
import { MemoryBudget, ReferenceWeight } from './weight.ts';

/** Bytes of weights kept widened to f32; the rest is widened again whenever it is used. */
const WIDENED_BYTES = 1 << 30;

export class ReferenceBackend implements Backend {
  readonly name = 'reference';
  readonly description = 'reference: plain TypeScript, f32';
  readonly #budget = new MemoryBudget(WIDENED_BYTES);

  upload(tensor: HostTensor, options: UploadOptions = {}): Weight {
    return new ReferenceWeight(options.dense === 'q8' ? toQ8(tensor) : tensor, this.#budget);
  }

  allocateKv(shape: KvShape): KvPool {
    return new ReferenceKvPool(shape);
  }

  begin(): Step {
    return new ReferenceStep();
  }

  dispose(): void {
    this.#budget.clear();
  }
}
