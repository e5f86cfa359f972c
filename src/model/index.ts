/**
 * The model itself: its configuration, the table of its weights, the forward pass, and the cache of keys and values.
 * Token ids in, logits out; it knows nothing of text, of sampling or of who is asking.
 */

export { KV_BLOCK } from './block-pool.ts';
export { readConfig } from './config.ts';
export { type EvaluateOptions, evaluate, type LayerRouting, type RoutingOptions, routing } from './evaluate.ts';
export { KeptBlock } from './kept-block.ts';
export { KvCache, type KvCacheOptions, Sequence } from './kvcache.ts';
export { type Observation, runStep, type StepEntry, type StepOptions, type StepResult } from './run.ts';
export type * from './types.ts';
export { checkModel, type LoadOptions, loadModel, mapWeights } from './weights.ts';
