/**
 * Carries out the ops of the forward pass. Backends are opened by name through a dynamic import, so a missing
 * addon is an error only for the one who asked for it. Knows nothing of gpt-oss.
 */
export type * from './backend.ts';
export { type CpuMachine, cpuMachine, measureIntegerPeak, measureReadBandwidth } from './cpu/machine.ts';
export { kvRowBytes } from './kv-bytes.ts';
export { type BackendName, type BackendOptions, openBackend } from './open.ts';
export { referenceSampling, type SamplingKernels, samplingKernels } from './sampling.ts';
