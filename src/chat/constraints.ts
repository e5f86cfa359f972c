/** What the engine's thread imports to hold Harmony's turns well-formed: see `EngineOptions.constraints`. */
import type { OpenConstraints } from '../engine/index.ts';
import { type TurnConstraintOptions, TurnConstraints } from '../harmony/index.ts';
import { readTokenizer } from './tokenizer.ts';

/** The URL of this module, for an engine on another thread. */
export const constraintsModule = import.meta.url;

export const openConstraints: OpenConstraints = async ({ path, vocabSize }) => {
  const constraints = new TurnConstraints(await readTokenizer(path), vocabSize);
  return (spec) => constraints.open(spec as TurnConstraintOptions); // it checks what came
};
