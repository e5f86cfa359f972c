import { type ResolvedModel, resolveModel, type StoreOptions, storeOptionsFromEnvironment } from '../index.ts';
import type { Context } from './context.ts';

/** Where models lie on this machine, by HF_HOME, HF_HUB_CACHE, OLLAMA_MODELS and the like. */
export function storeOptions({ env }: Context): StoreOptions {
  return storeOptionsFromEnvironment(env);
}

/** Finds a model by path or by name; never touches the network. */
export function locateModel(context: Context, name: string): Promise<ResolvedModel> {
  return resolveModel(name, storeOptions(context));
}
