/**
 * The definition of every op, in plain TypeScript: f32 activations, sums in f64, exact weights, one loop after the other.
 * Runs anywhere; the other backends are tested against the same cases (../conformance.ts).
 */
export { ReferenceBackend } from './backend.ts';
