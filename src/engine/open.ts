import { type Backend, type BackendName, type KvBits, openBackend } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { type Layout, openCheckpoint } from '../checkpoint/index.ts';
import { loadModel, type ModelConfig } from '../model/index.ts';
import { loadConstraints } from './constraint.ts';
import { generationDefaults } from './defaults.ts';
import type { SchedulerOptions } from './limits.ts';
import { LocalEngine } from './local.ts';
import { ModelRunner } from './model-runner.ts';
import type { GenerateParams } from './types.ts';

export interface EngineOptions extends SchedulerOptions {
  /** A model directory or .gguf file. */
  readonly path: string;
  /** `auto` is `cpu`, or `reference` where the addon was not built; `info.fallback` then says why. Default `auto`. */
  readonly backend?: BackendName | 'auto';
  /** Threads of the `cpu` backend. Default: the cores that this process may use. */
  readonly threads?: number;
  /** `q8` turns dense weights into 8-bit codes at load: less memory, faster, slightly different numbers. Default `keep`. */
  readonly dense?: 'keep' | 'q8';
  /** 8: keys and values as 8-bit codes, in about half the memory, with slightly different numbers. Default 16. */
  readonly kvBits?: KvBits;
  /** Tokens of prompt and answer together. Default: the model's maximum. */
  readonly context?: number;
  /** Room for the tokens of all sequences and of what is kept of finished ones. Default: one context. */
  readonly cacheTokens?: number;
  /** URL of a module that makes constraints of `GenerateParams.constraint`: see `OpenConstraints`. Default: none can be held. */
  readonly constraints?: string;
}

/** What was opened, for people and for layers above. */
export interface EngineInfo {
  readonly path: string;
  readonly layout: Layout;
  readonly config: ModelConfig;
  /** Bytes of the model's files. */
  readonly sizeBytes: number;
  /** Whether weights are used where they lie in a memory map. */
  readonly mapped: boolean;
  readonly backend: BackendName;
  /** `cpu: avx512-vnni, 4 threads`. */
  readonly backendDescription: string;
  /** Why `auto` did not take `cpu`. */
  readonly fallback?: string;
  readonly dense: 'keep' | 'q8';
  readonly kvBits: KvBits;
  readonly contextLength: number;
  /** KV cache of one more token, once a sequence is longer than the sliding window. */
  readonly kvBytesPerToken: number;
  /** Bytes that the KV cache may grow to. */
  readonly kvBytesCapacity: number;
  /** What stands where a caller gives no parameter. */
  readonly defaults: GenerateParams;
}

/** Beyond this, block ids and sizes would be more than any machine has; far beyond what memory allows. */
const MAX_CACHE_TOKENS = 2 ** 30;

export interface OpenedEngine {
  readonly engine: LocalEngine;
  readonly info: EngineInfo;
  /** Closes the engine and everything under it. */
  close(): Promise<void>;
}

/** Opens a checkpoint, a backend and an engine over both, in this thread: steps of the `reference` backend will block it. */
export async function openEngine(options: EngineOptions): Promise<OpenedEngine> {
  const cleanups: (() => void)[] = [];
  const cleanUp = () => {
    while (cleanups.length > 0) cleanups.pop()!(); // last opened, first closed
  };
  try {
    const checkpoint = await openCheckpoint(options.path);
    cleanups.push(() => checkpoint.close());
    const { backend, fallback } = await chooseBackend(options);
    cleanups.push(() => backend.dispose());
    const dense = options.dense ?? 'keep';
    const kvBits = checkKvBits(options.kvBits);
    const model = loadModel(checkpoint, backend, { dense, kvBits });
    const contextLength = checkContext(options.context, model.config);
    const cacheTokens = checkCacheTokens(options.cacheTokens, contextLength);
    const runner = new ModelRunner(model, { contextLength, cacheTokens, scheduling: options });
    cleanups.push(() => runner.dispose());
    const defaults = generationDefaults(checkpoint, model.config.vocabSize);
    const { vocabSize } = model.config;
    const { constraints } = options;
    const makeConstraint =
      constraints === undefined ? undefined : await loadConstraints(constraints, { path: options.path, vocabSize });
    const engine = new LocalEngine(runner, { ...options, defaults, makeConstraint });
    const info: EngineInfo = {
      path: checkpoint.path,
      layout: checkpoint.layout,
      config: model.config,
      sizeBytes: checkpoint.files.reduce((sum, file) => sum + file.sizeBytes, 0),
      mapped: checkpoint.mapped,
      backend: backend.name === 'cpu' ? 'cpu' : 'reference',
      backendDescription: backend.description,
      ...(fallback === undefined ? {} : { fallback }),
      dense,
      kvBits,
      contextLength,
      kvBytesPerToken: runner.kvBytesPerToken,
      kvBytesCapacity: runner.kvBytesCapacity,
      defaults,
    };
    const close = async () => {
      await engine.close();
      cleanUp();
    };
    return { engine, info, close };
  } catch (error) {
    cleanUp();
    throw error;
  }
}

async function chooseBackend({
  backend = 'auto',
  threads,
}: EngineOptions): Promise<{ backend: Backend; fallback?: string }> {
  const options = threads === undefined ? {} : { threads };
  if (backend !== 'auto') return { backend: await openBackend(backend, options) };
  try {
    return { backend: await openBackend('cpu', options) };
  } catch (error) {
    if (!(error instanceof OssiaError) || error.code !== 'backend/unavailable') throw error;
    return { backend: await openBackend('reference'), fallback: error.message };
  }
}

function checkKvBits(kvBits: number = 16): KvBits {
  if (kvBits === 8 || kvBits === 16) return kvBits;
  throw new OssiaError('engine/bad-parameter', `Expected kvBits to be 8 or 16, got ${kvBits}`, {
    details: { parameter: 'kvBits' },
  });
}

function checkContext(context: number | undefined, { maxContextLength }: ModelConfig): number {
  if (context === undefined) return maxContextLength;
  if (!Number.isInteger(context) || context < 2 || context > maxContextLength) {
    throw new OssiaError(
      'engine/bad-parameter',
      `Expected context to be an integer in [2, ${maxContextLength}], got ${context}`,
      {
        details: { parameter: 'context' },
      },
    );
  }
  return context;
}

function checkCacheTokens(cacheTokens: number | undefined, contextLength: number): number {
  if (cacheTokens === undefined) return contextLength;
  if (!Number.isSafeInteger(cacheTokens) || cacheTokens < contextLength || cacheTokens > MAX_CACHE_TOKENS) {
    throw new OssiaError(
      'engine/bad-parameter',
      `Expected cacheTokens to be an integer in [${contextLength}, ${MAX_CACHE_TOKENS}], the context or more, got ${cacheTokens}`,
      { details: { parameter: 'cacheTokens' } },
    );
  }
  return cacheTokens;
}
