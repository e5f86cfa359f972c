import { listModels } from '../../index.ts';
import type { Context } from '../context.ts';
import { storeOptions } from '../locate.ts';
import type { FoundModel } from './report.ts';

/** The models that are complete on this machine. */
export async function findModels(context: Context): Promise<FoundModel[]> {
  const models = await listModels(storeOptions(context));
  return models
    .filter(({ status }) => status === 'complete')
    .map(({ name, origin, path, sizeBytes }) => ({ name, origin, path, sizeBytes }));
}
