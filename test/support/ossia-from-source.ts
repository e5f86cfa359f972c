/** Preloaded by tests that run programs: `ossia` then means this working tree, not what was last built. */
import { registerHooks } from 'node:module';

const source = new URL('../../src/index.ts', import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'ossia' ? { url: source, shortCircuit: true } : next(specifier, context),
});
