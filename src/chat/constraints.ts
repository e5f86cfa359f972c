/** What the engine's thread imports to hold Harmony's turns well-formed: see `EngineOptions.constraints`. */
import type { OpenConstraints } from '../engine/index.ts';
import { type TurnConstraintOptions, TurnConstraints } from '../harmony/index.ts';
import { readTokenizer } from './tokenizer.ts';

/** The URL of this module, for an engine on another thread. */
export const constraintsModule = import.meta.url;

export const openConstraints: OpenConstraints = async ({ path, vocabSize }) => {
  const tokenizer = await readTokenizer(path);
  let constraints: TurnConstraints | undefined; // sorting 200,000 tokens takes half a second: for the first turn to wait
  return (spec) => {
    constraints ??= new TurnConstraints(tokenizer, vocabSize);
    return constraints.open(spec as TurnConstraintOptions); // it checks what came
  };
};
