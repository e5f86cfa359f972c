import { type Backend, openBackend } from '../../backends/index.ts';
import { openCheckpoint } from '../../checkpoint/index.ts';
import { loadModel, type Model } from '../../model/index.ts';
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
    const backend = await open(context, flags);
    try {
      return await use(loadModel(checkpoint, backend, { dense: flags.dense === 'q8' ? 'q8' : 'keep' }));
    } finally {
      backend.dispose();
    }
  } finally {
    checkpoint.close();
  }
}

/** The backend asked for, or the best that there is; what that costs is said once. */
async function open({ terminal }: Context, { backend, threads }: LoadFlags): Promise<Backend> {
  const options = threads === undefined ? {} : { threads };
  if (backend !== undefined) return openBackend(backend, options);
  try {
    return await openBackend('cpu', options);
  } catch (error) {
    warnSlow(terminal, error);
    return openBackend('reference');
  }
}
