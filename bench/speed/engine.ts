import { openBackend } from '../../src/backends/index.ts';
import { openCheckpoint } from '../../src/checkpoint/index.ts';
import { LocalEngine } from '../../src/engine/index.ts';
import { ModelRunner } from '../../src/engine/model-runner.ts';
import { loadModel } from '../../src/model/index.ts';
import { MadeUpPrefill } from './made-up.ts';
import type { Job } from './subject.ts';

export interface EngineLimits {
  readonly context: number;
  readonly cacheTokens: number;
  readonly maxRunning: number;
  readonly maxKept: number;
  readonly speculate: 'off';
}

/**
 * Ossia's engine in this thread, for what the library does not do: an instruction set by name, prompts that are not
 * computed, vocabularies without control tokens.
 */
export async function openEngineHere({ model: path, dense, kvBits, threads, isa, madeUp }: Job, limits: EngineLimits) {
  const checkpoint = await openCheckpoint(path);
  const backend = await openBackend('cpu', { threads, ...(isa === undefined ? {} : { isa }) });
  const model = loadModel(checkpoint, backend, { dense, kvBits });
  const { context, cacheTokens, ...scheduling } = limits;
  const options = { contextLength: context, cacheTokens, scheduling };
  const runner = madeUp ? new MadeUpPrefill(model, options) : new ModelRunner(model, options);
  const engine = new LocalEngine(runner, scheduling);
  return {
    engine,
    description: `${backend.description}, engine in the thread of the bench`,
    kvBytesPerToken: runner.kvBytesPerToken,
    async close(): Promise<void> {
      await engine.close();
      runner.dispose();
      backend.dispose();
      checkpoint.close();
    },
  };
}
