import { TextDecoder, TextEncoder } from 'node:util';
import { OssiaError } from '../base/index.ts';
import { Merger } from './merge.ts';
import { PieceCache } from './piece-cache.ts';
import { endOfPiece } from './pieces.ts';
import type { StreamDecoder, Tokenizer } from './tokenizer.ts';
import type { Vocabulary } from './vocabulary.ts';

export interface BpeOptions {
  readonly vocabulary: Vocabulary;
  /** Control tokens by name. An id may have two names; the first one is what it decodes to. */
  readonly specials: ReadonlyMap<string, number>;
  /** Takes a piece that is a token whole, without merging (Hugging Face's `ignore_merges`). Default: true. */
  readonly ignoreMerges?: boolean;
}

/** Byte-level BPE over o200k's pieces. */
export class BpeTokenizer implements Tokenizer {
  readonly vocabSize: number;
  readonly specials: ReadonlyMap<string, number>;
  readonly #vocabulary: Vocabulary;
  readonly #merger: Merger;
  readonly #cache = new PieceCache();
  readonly #ignoreMerges: boolean;
  readonly #specialBytes = new Map<number, Uint8Array>();
  /** The lengths of control tokens' names, longest first, by their first UTF-16 unit. */
  readonly #specialLengths: ReadonlyMap<number, readonly number[]>;

  constructor({ vocabulary, specials, ignoreMerges = true }: BpeOptions) {
    this.#vocabulary = vocabulary;
    this.#merger = new Merger(vocabulary);
    this.#ignoreMerges = ignoreMerges;
    this.specials = specials;
    let vocabSize = vocabulary.size;
    for (const [name, id] of specials) {
      if (!this.#specialBytes.has(id)) this.#specialBytes.set(id, toUtf8(name));
      vocabSize = Math.max(vocabSize, id + 1);
    }
    this.vocabSize = vocabSize;
    this.#specialLengths = lengthsByFirstUnit(specials.keys());
  }

  encode(text: string): number[] {
    const ids: number[] = [];
    this.#encodeOrdinary(text, ids);
    return ids;
  }

  encodeWithSpecials(text: string): number[] {
    const ids: number[] = [];
    let ordinaryFrom = 0;
    for (let at = 0; at < text.length; ) {
      const name = this.#specialAt(text, at);
      if (name === undefined) {
        at++;
        continue;
      }
      this.#encodeOrdinary(text.slice(ordinaryFrom, at), ids);
      ids.push(this.specials.get(name)!);
      at += name.length;
      ordinaryFrom = at;
    }
    this.#encodeOrdinary(text.slice(ordinaryFrom), ids);
    return ids;
  }

  /** The longest name of a control token that stands at `at`. */
  #specialAt(text: string, at: number): string | undefined {
    for (const length of this.#specialLengths.get(text.charCodeAt(at)) ?? []) {
      const name = text.slice(at, at + length);
      if (this.specials.has(name)) return name;
    }
    return undefined;
  }

  #encodeOrdinary(text: string, ids: number[]): void {
    const bytes = toUtf8(text);
    for (let start = 0, end = 0; start < bytes.length; start = end) {
      end = endOfPiece(bytes, start);
      const whole = this.#ignoreMerges ? this.#vocabulary.find(bytes, start, end) : -1;
      if (whole >= 0) {
        ids.push(whole);
      } else if (!this.#cache.recall(bytes, start, end, ids)) {
        const from = ids.length;
        this.#merger.merge(bytes, start, end, ids);
        this.#cache.store(bytes, start, end, ids, from);
      }
    }
  }

  decode(ids: Iterable<number>): string {
    const tokens: Uint8Array[] = [];
    let length = 0;
    for (const id of ids) {
      const token = this.#bytesOf(id);
      tokens.push(token);
      length += token.length;
    }
    const bytes = new Uint8Array(length);
    let offset = 0;
    for (const token of tokens) {
      bytes.set(token, offset);
      offset += token.length;
    }
    return newDecoder().decode(bytes);
  }

  tokenBytes(id: number): Uint8Array {
    return new Uint8Array(this.#bytesOf(id)); // not slice(): of a Buffer, that is a view
  }

  stream(): StreamDecoder {
    const decoder = newDecoder();
    return {
      push: (id) => decoder.decode(this.#bytesOf(id), { stream: true }),
      flush: () => decoder.decode(),
    };
  }

  /** Not to be written to. */
  #bytesOf(id: number): Uint8Array {
    const special = this.#specialBytes.get(id);
    if (special !== undefined) return special;
    if (!Number.isInteger(id) || id < 0 || id >= this.#vocabulary.size) {
      const range = `the vocabulary has the ids 0 to ${this.vocabSize - 1}`;
      throw new OssiaError('tokenizer/unknown-token', `Cannot decode the token ${id}: ${range}`);
    }
    return this.#vocabulary.bytesOf(id);
  }
}

/** Lone surrogates become U+FFFD, as in every encoder of UTF-8. */
function toUtf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** A byte order mark is a character like any other here. */
function newDecoder(): TextDecoder {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}

function lengthsByFirstUnit(names: Iterable<string>): Map<number, number[]> {
  const lengths = new Map<number, Set<number>>();
  for (const name of names) {
    const unit = name.charCodeAt(0);
    lengths.set(unit, (lengths.get(unit) ?? new Set()).add(name.length));
  }
  return new Map([...lengths].map(([unit, set]) => [unit, [...set].sort((a, b) => b - a)]));
}
