import type { WorkerEngine } from '../../engine/index.ts';
import {
  type Backend,
  loadModel,
  type Model,
  OssiaError,
  openBackend,
  openCheckpoint,
  startEngine,
} from '../../index.ts';
import type { Context } from '../context.ts';
import { locateModel } from '../locate.ts';
import type { LoadFlags } from '../options.ts';
import { warnSlow } from '../slow-path.ts';

/** Loads a model without engine, tokenizer or worker, and gives it back when `use` is done. */
export async function withModel<T>(
  context: Context,
  name: string,
  flags: LoadFlags,
  use: (model: Model) => Promise<T>,
): Promise<T> {
  const { path } = await locateModel(context, name);
  const checkpoint = await openCheckpoint(path);
  try {
    const backend = await chooseBackend(context, flags);
    try {
      return await use(loadModel(checkpoint, backend, { ...formats(flags) }));
    } finally {
      backend.dispose();
    }
  } finally {
    checkpoint.close();
  }
}

/** How weights, keys and values are held. */
function formats({ dense, kvBits = 16 }: LoadFlags) {
  return { dense: dense === 'q8' ? 'q8' : 'keep', kvBits } as const;
}

/** The backend asked for, or the best that there is. */
async function chooseBackend({ terminal }: Context, { backend, threads }: LoadFlags): Promise<Backend> {
  const options = threads === undefined ? {} : { threads };
  if (backend !== undefined) return openBackend(backend, options);
  try {
    return await openBackend('cpu', options);
  } catch (error) {
    if (!(error instanceof OssiaError) || error.code !== 'backend/unavailable') throw error;
    warnSlow(terminal, error.message);
    return openBackend('reference');
  }
}

/** Starts an engine on its own thread, and closes it when `use` is done. */
export async function withEngine<T>(
  context: Context,
  name: string,
  flags: LoadFlags,
  use: (engine: WorkerEngine) => Promise<T>,
): Promise<T> {
  const { backend, threads, speculate, context: contextLength } = flags;
  const { path } = await locateModel(context, name);
  const engine = await startEngine({
    path,
    ...formats(flags),
    ...(backend === undefined ? {} : { backend }),
    ...(threads === undefined ? {} : { threads }),
    ...(speculate === undefined ? {} : { speculate }),
    ...(contextLength === undefined ? {} : { context: contextLength }),
  });
  try {
    if (engine.info.fallback !== undefined) warnSlow(context.terminal, engine.info.fallback);
    return await use(engine);
  } finally {
    await engine.close();
  }
}
