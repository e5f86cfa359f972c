/** What the server does, as samples over time. */
export { StatsRecorder } from './recorder.ts';
export { StatsSampler, type Step } from './sampler.ts';
