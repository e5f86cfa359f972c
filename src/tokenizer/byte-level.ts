import { badVocabulary, shown } from './bad-vocabulary.ts';
import { MAX_SIZE, NEVER, Vocabulary } from './vocabulary.ts';

/** Five times gpt-oss's 446,189. The queue of merges has 21 bits for a rank (see merge.ts). */
const MAX_MERGES = 2 ** 21;

/**
 * GPT-2's way to write bytes as visible text, in `tokenizer.json` and GGUF: printable Latin-1 stands for itself, the other
 * 68 bytes for the characters from U+0100 on. By UTF-16 unit: the byte, or -1.
 */
const BYTE_OF_UNIT = byteOfUnit();

function byteOfUnit(): Int16Array {
  const table = new Int16Array(0x10000).fill(-1);
  let others = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const isVisible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    table[isVisible ? byte : others++] = byte;
  }
  return table;
}

/** Writes the bytes of `text` to `target` from `offset` on; returns the offset after them, or -1 for text that is no bytes. */
function writeBytes(text: string, target: Uint8Array, offset: number): number {
  for (let i = 0; i < text.length; i++) {
    const byte = BYTE_OF_UNIT[text.charCodeAt(i)]!;
    if (byte < 0) return -1;
    target[offset + i] = byte;
  }
  return offset + text.length;
}

/**
 * A vocabulary from byte-level text.
 *
 * tokens  by id; undefined where a control token has the id
 * merges  lowest rank first: `left right`, or pairs
 *
 * Throws `tokenizer/bad-vocabulary`.
 */
export function byteLevelVocabulary(tokens: readonly (string | undefined)[], merges: readonly unknown[]): Vocabulary {
  if (tokens.length > MAX_SIZE) throw badVocabulary(`Expected at most ${MAX_SIZE} tokens, found ${tokens.length}`);
  if (merges.length > MAX_MERGES) throw badVocabulary(`Expected at most ${MAX_MERGES} merges, found ${merges.length}`);
  const bytes = new Uint8Array(tokens.reduce((sum, token) => sum + (token?.length ?? 0), 0));
  const offsets = new Uint32Array(tokens.length + 1);
  tokens.forEach((token, id) => {
    const end = writeBytes(token ?? '', bytes, offsets[id]!);
    if (token === '' || end < 0) throw badVocabulary(`Token ${id} is not written as bytes: ${shown(token)}`);
    offsets[id + 1] = end;
  });
  const vocabulary = new Vocabulary(bytes, offsets);
  vocabulary.ranks = ranksByMerges(vocabulary, merges);
  return vocabulary;
}

/** A token's rank is the place of the first merge that makes it. */
function ranksByMerges(vocabulary: Vocabulary, merges: readonly unknown[]): Int32Array {
  const ranks = new Int32Array(vocabulary.size).fill(NEVER);
  const scratch = new Uint8Array(2 * vocabulary.longest);
  for (let rank = 0; rank < merges.length; rank++) {
    const [left, right] = halves(merges[rank]);
    const middle = writeBytes(left, scratch, 0); // what is too long for the scratch space is too long for a token
    const end = middle > 0 ? writeBytes(right, scratch, middle) : -1;
    const isMerge =
      end > middle && vocabulary.find(scratch, 0, middle) >= 0 && vocabulary.find(scratch, middle, end) >= 0;
    const joined = isMerge ? vocabulary.find(scratch, 0, end) : -1;
    if (joined < 0) throw badVocabulary(`Merge ${rank} does not join two tokens to a third: ${shown(merges[rank])}`);
    if (ranks[joined] === NEVER) ranks[joined] = rank;
  }
  return ranks;
}

/** Two empty strings for anything that is no merge. */
function halves(merge: unknown): readonly [string, string] {
  if (typeof merge === 'string') {
    const space = merge.indexOf(' ');
    return space < 0 ? ['', ''] : [merge.slice(0, space), merge.slice(space + 1)];
  }
  if (!Array.isArray(merge) || merge.length !== 2) return ['', ''];
  const [left, right]: unknown[] = merge;
  return typeof left === 'string' && typeof right === 'string' ? [left, right] : ['', ''];
}
