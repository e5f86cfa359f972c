/**
 * The model itself: its configuration, the table of its weights, the forward pass, and the cache of keys and values.
 * Token ids in, logits out; it knows nothing of text, of sampling or of who is asking.
 */
export { readConfig } from './config.ts';
export { type EvaluateOptions, evaluate, type LayerRouting, routing } from './evaluate.ts';
export { KV_BLOCK, KvCache, type KvCacheOptions, type Prefix, type Sequence } from './kvcache.ts';
export { type Observation, runStep, type StepEntry, type StepOptions, type StepResult } from './run.ts';
export type * from './types.ts';
export { checkModel, type LoadOptions, loadModel, mapWeights } from './weights.ts';
