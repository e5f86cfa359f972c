import type { TokenMask } from './constraint.ts';

/** Sets the logits [vocab] of all tokens outside the mask to −∞, in place. */
export function applyMask(logits: Float32Array, mask: TokenMask): void {
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word]!;
    if (bits === 0xffffffff) continue;
    const end = Math.min(logits.length, word * 32 + 32);
    for (let id = word * 32; id < end; id++) {
      if (!(bits & (1 << (id & 31)))) logits[id] = Number.NEGATIVE_INFINITY;
    }
  }
}

/** Ids in a mask; bits beyond the vocabulary count too. */
export function countAllowed(mask: TokenMask): number {
  let count = 0;
  for (let word = 0; word < mask.length; word++) {
    let bits = mask[word]!;
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    count += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}

/**
 * Moves the logits [vocab] of the tokens in the mask to the front, in place and in order, and writes their ids beside them; says
 * how many there are. What is left out would have been −∞, which weighs nothing: sums over the rest are the same to the bit.
 */
export function gatherAllowed(logits: Float32Array, mask: TokenMask, ids: Int32Array): number {
  let count = 0;
  for (let word = 0; word < mask.length; word++) {
    for (let bits = mask[word]!; bits !== 0; bits &= bits - 1) {
      const id = word * 32 + 31 - Math.clz32(bits & -bits);
      if (id >= logits.length) break;
      logits[count] = logits[id]!;
      ids[count++] = id;
    }
  }
  return count;
}
