import { o200kHarmony } from '../../src/tokenizer/index.ts';

/** A vocabulary as files spell it: byte-level text, merges with the first to apply first. */
export interface Vocabulary {
  /** By id. */
  readonly tokens: readonly string[];
  /** GGUF's kinds: 1 ordinary, 3 control, 5 unused. */
  readonly types: readonly number[];
  /** `left right` */
  readonly merges: readonly string[];
}

const NORMAL = 1;
const CONTROL = 3;
const UNUSED = 5;

/** o200k_base has this many ordinary tokens; behind them, up to 200018, come the control tokens that files name. */
const NUM_ORDINARY = 199_998;
const LAST_NAMED = 200_018;

/** o200k_harmony with as many ids as the model has logits for. */
export function harmonyVocabulary(vocabSize: number): Vocabulary {
  const tokenizer = o200kHarmony();
  const names = new Map([...tokenizer.specials].map(([name, id]) => [id, name])); // the last name of an id is its best
  const tokens: string[] = [];
  const types: number[] = [];
  for (let id = 0; id < vocabSize; id++) {
    if (id < NUM_ORDINARY) tokens.push(byteLevel(tokenizer.tokenBytes(id)));
    else tokens.push(id <= LAST_NAMED ? names.get(id)! : `[PAD${id}]`);
    types.push(id < NUM_ORDINARY ? NORMAL : id <= LAST_NAMED ? CONTROL : UNUSED);
  }
  return { tokens, types, merges: mergesOf(tokens.slice(0, NUM_ORDINARY)) };
}

/** All ways to join two tokens to a third: by the third's id, then by those of the two. */
function mergesOf(tokens: readonly string[]): string[] {
  const ids = new Map(tokens.map((token, id) => [token, id]));
  return tokens.flatMap((token) => {
    const ways: { left: number; right: number; text: string }[] = [];
    for (let middle = 1; middle < token.length; middle++) {
      const left = ids.get(token.slice(0, middle));
      const right = left === undefined ? undefined : ids.get(token.slice(middle));
      if (left === undefined || right === undefined) continue;
      ways.push({ left, right, text: `${token.slice(0, middle)} ${token.slice(middle)}` });
    }
    return ways.sort((a, b) => a.left - b.left || a.right - b.right).map(({ text }) => text);
  });
}

/** GPT-2's visible text for bytes: printable Latin-1 stands for itself, other bytes for characters from U+0100 on. */
const CHARACTERS = visibleCharacters();

function visibleCharacters(): string[] {
  let others = 0x100;
  return Array.from({ length: 256 }, (_, byte) => {
    const isVisible = (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte !== 0xad);
    return String.fromCharCode(isVisible ? byte : others++);
  });
}

function byteLevel(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += CHARACTERS[byte];
  return text;
}
