/** The models of a server: which names may be asked for, what is loaded, and what makes room when memory is short. */
export { type Clock, systemClock } from './clock.ts';
export { StoredDerivedModels } from './derived.ts';
export { defaultMemoryBytes } from './memory.ts';
export { ModelHost, type ModelHostOptions, type ModelLoader } from './model-host.ts';
