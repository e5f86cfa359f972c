/**
 * The stores that hold models: embedded ones, paths, Hugging Face's cache, Ollama's store; and the download from the hub.
 * Knows files and names; what is inside a file is the business of the readers beside it.
 */
export { listModels, type RemovedModel, type RemoveOptions, removeModel, type StoredModel } from './list.ts';
export { EMBEDDED_MODEL, type KnownModel, knownModel, knownModels } from './names.ts';
export { type StoreOptions, type StorePlaces, storeOptionsFromEnvironment, storePlaces } from './options.ts';
export { type PullEvent, type PullOptions, pull } from './pull.ts';
export { type ModelOrigin, type ResolvedModel, type ResolveOptions, resolveModel } from './resolve.ts';
export type { Include } from './select.ts';
export { type VerifyEvent, verifyFiles } from './verify.ts';
