/** Text ↔ token ids. */
export interface Tokenizer {
  /** One more than the largest id that the vocabulary names. */
  readonly vocabSize: number;
  /** Control tokens by name, `<|start|>` → 200006. */
  readonly specials: ReadonlyMap<string, number>;
  /** Encodes ordinary text: what looks like a control token stays text. */
  encode(text: string): number[];
  /** Encodes text in which control tokens by name become their ids. Only for text that the program itself wrote. */
  encodeWithSpecials(text: string): number[];
  /** Decodes; control tokens by name, invalid UTF-8 as U+FFFD. Throws `tokenizer/unknown-token`. */
  decode(ids: Iterable<number>): string;
  /** The bytes of one token; a control token's are its name. Throws `tokenizer/unknown-token`. */
  tokenBytes(id: number): Uint8Array;
  /** A decoder for tokens as they come: never emits half a character. */
  stream(): StreamDecoder;
}

export interface StreamDecoder {
  /** Text that this token completes; may be empty. */
  push(id: number): string;
  /** What is left at the end, as U+FFFD. */
  flush(): string;
}
