/**
 * The text of a header as it comes, with its control tokens marked: in the text they stand by name, and the marks tell them
 * from typed ones.
 */
export class HeaderText {
  text = '';
  readonly #controls = new Map<number, string>();
  readonly #offsets: number[] = []; // of the control tokens, ascending

  push(text: string): void {
    this.text += text;
  }

  pushControl(name: string): void {
    this.#controls.set(this.text.length, name);
    this.#offsets.push(this.text.length);
    this.text += name;
  }

  get isBlank(): boolean {
    return this.text.trim() === '';
  }

  get hasControls(): boolean {
    return this.#offsets.length > 0;
  }

  /** Whether this control token stands in the header. */
  has(name: string): boolean {
    return this.#offsets.some((offset) => this.#controls.get(offset) === name);
  }

  /** The name of the control token at an offset. */
  controlAt(offset: number): string | undefined {
    return this.#controls.get(offset);
  }

  /** The ordinary text from an offset to the next control token. */
  textAt(offset: number): string {
    let low = 0; // binary search: the first control token at or behind the offset
    let high = this.#offsets.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#offsets[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return this.text.slice(offset, this.#offsets[low] ?? this.text.length);
  }

  /** The offset behind the white space at an offset. */
  skipSpace(offset: number): number {
    return offset + /^\s*/.exec(this.textAt(offset))![0].length;
  }

  /** The word at an offset, up to white space or the next control token. */
  wordAt(offset: number): string {
    return /^\S*/.exec(this.textAt(offset))![0];
  }
}
