/** The number of o200k_base's ordinary tokens. */
export const O200K_SIZE = 199_998;

/** The official tokeniser names one id more than the models have logits for (201,088, the last being 201,087). */
const LAST = 201_088;

const NAMED: ReadonlyMap<number, string> = new Map([
  [199_998, '<|startoftext|>'],
  [199_999, '<|endoftext|>'],
  [200_002, '<|return|>'],
  [200_003, '<|constrain|>'],
  [200_005, '<|channel|>'],
  [200_006, '<|start|>'],
  [200_007, '<|end|>'],
  [200_008, '<|message|>'],
  [200_012, '<|call|>'],
]);

/**
 * The control tokens of o200k_harmony by name: nine that mean something, the rest `<|reserved_ID|>`, and 200018 once more by
 * the name that o200k_base has for it.
 *
 * known  names that a file gives; an id decodes to the first of its names
 */
export function harmonySpecials(known: ReadonlyMap<string, number> = new Map()): Map<string, number> {
  const specials = new Map(known);
  for (let id = O200K_SIZE; id <= LAST; id++) {
    const name = NAMED.get(id) ?? `<|reserved_${id}|>`;
    if (!specials.has(name)) specials.set(name, id);
  }
  if (!specials.has('<|endofprompt|>')) specials.set('<|endofprompt|>', 200_018);
  return specials;
}

/** Names the ids that files of gpt-oss leave without a name; other vocabularies keep their control tokens as they are. */
export function completeSpecials(vocabularySize: number, specials: Map<string, number>): Map<string, number> {
  const isHarmony = vocabularySize === O200K_SIZE && specials.get('<|start|>') === 200_006;
  return isHarmony ? harmonySpecials(specials) : specials;
}
