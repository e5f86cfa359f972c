import { badVocabulary } from './bad-vocabulary.ts';
import { Vocabulary } from './vocabulary.ts';

/**
 * The packed form of a vocabulary, which loads in a few milliseconds: the number of tokens (32 bits, little-endian), the
 * length of each (a byte), then their bytes. Written by scripts/build-vocabulary.ts.
 */
const HEADER_BYTES = 4;

/** tokens  their bytes, by id: 1 to 255 each */
export function packTokens(tokens: readonly Uint8Array[]): Uint8Array {
  const numBytes = tokens.reduce((sum, token) => sum + token.length, 0);
  const packed = new Uint8Array(HEADER_BYTES + tokens.length + numBytes);
  new DataView(packed.buffer).setUint32(0, tokens.length, true);
  let offset = HEADER_BYTES + tokens.length;
  tokens.forEach((token, id) => {
    if (token.length < 1 || token.length > 255) throw new RangeError(`Expected token ${id} to have 1 to 255 bytes`);
    packed[HEADER_BYTES + id] = token.length;
    packed.set(token, offset);
    offset += token.length;
  });
  return packed;
}

/** Throws `tokenizer/bad-vocabulary` when the lengths do not add up to the size. */
export function unpackVocabulary(packed: Uint8Array): Vocabulary {
  const { bytes, offsets } = unpackTokens(packed);
  return new Vocabulary(bytes, offsets);
}

/**
 * bytes    all tokens, one after the other
 * offsets  [number of tokens + 1]
 */
export function unpackTokens(packed: Uint8Array): { bytes: Uint8Array; offsets: Uint32Array } {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.length < HEADER_BYTES ? 0 : view.getUint32(0, true);
  const start = HEADER_BYTES + count;
  if (count === 0 || start > packed.length) throw damaged(packed.length);
  const offsets = new Uint32Array(count + 1);
  for (let id = 0; id < count; id++) offsets[id + 1] = offsets[id]! + packed[HEADER_BYTES + id]!;
  if (start + offsets[count]! !== packed.length) throw damaged(packed.length);
  return { bytes: packed.subarray(start), offsets };
}

function damaged(sizeBytes: number): Error {
  return badVocabulary(`Cannot read the packed vocabulary: its lengths do not add up to its ${sizeBytes} bytes`);
}
