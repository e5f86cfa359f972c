/**
 * Token ids in, token ids out: sampling, scheduling, kept prefixes, and the thread that all of it runs on.
 * Knows nothing of text or messages.
 */
export {
  allowToken,
  type Constraint,
  type ConstraintFactory,
  type OpenConstraints,
  type TokenMask,
} from './constraint.ts';
export { maxWindowBlocks, type SchedulerOptions } from './limits.ts';
export { LocalEngine, type LocalEngineOptions, type LocalSubmitOptions } from './local.ts';
export { type EngineInfo, type EngineOptions, type OpenedEngine, openEngine } from './open.ts';
export { BIAS_RULE, describeRange, NUMBER_RULES, type NumberRule } from './params.ts';
export type { RoutingRequest, Runner } from './runner.ts';
export { MAX_DRAFT, type Speculate } from './speculation.ts';
export { startEngine, WorkerEngine } from './start.ts';
export type { EngineStats } from './stats.ts';
export type { EndEvent, Engine, GenerateEvent, GenerateParams, SubmitOptions, TokenEvent } from './types.ts';
