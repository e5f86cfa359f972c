import type { Tokenizer } from '../../tokenizer/index.ts';
import type { TokenText } from './types.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Says what tokens are; each once, since most come again. */
export class TokenTexts {
  readonly #tokenizer: Tokenizer;
  readonly #controls: ReadonlyMap<number, string>;
  readonly #known = new Map<number, TokenText>();

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#controls = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  }

  /** `<|start|>` …; undefined for text. */
  control(id: number): string | undefined {
    return this.#controls.get(id);
  }

  of(id: number): TokenText {
    const known = this.#known.get(id);
    if (known) return known;
    const control = this.#controls.get(id);
    const token = control === undefined ? { id, text: this.#text(id) } : { id, text: control, control: true as const };
    this.#known.set(id, token);
    return token;
  }

  /** The vocabulary of gpt-oss has ids without a token. */
  #text(id: number): string {
    try {
      return showBytes(this.#tokenizer.tokenBytes(id));
    } catch {
      return `<unknown ${id}>`;
    }
  }
}

/** Bytes as text; those that are no whole character as `\xe2\x80`. */
export function showBytes(bytes: Uint8Array): string {
  return decoded(bytes) ?? piecewise(bytes);
}

function piecewise(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const length = lengthAt(bytes[at]!);
    const character = length === 0 ? undefined : decoded(bytes.subarray(at, at + length));
    text += character ?? `\\x${bytes[at]!.toString(16).padStart(2, '0')}`;
    at += character === undefined ? 1 : length;
  }
  return text;
}

/** Bytes of the character that begins with this one; 0 where none does. */
function lengthAt(first: number): number {
  if (first < 0x80) return 1;
  if (first < 0xc2) return 0;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
