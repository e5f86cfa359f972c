/**
 * The text of a header as it comes, with its control tokens marked: in the text they stand by name, and the marks tell them
 * from typed ones.
 */
export class HeaderText {
  text = '';
  readonly #controls = new Map<number, string>();

  push(text: string): void {
    this.text += text;
  }

  pushControl(name: string): void {
    this.#controls.set(this.text.length, name);
    this.text += name;
  }

  get isBlank(): boolean {
    return this.text.trim() === '';
  }

  get hasControls(): boolean {
    return this.#controls.size > 0;
  }

  /** Whether this control token stands in the header. */
  has(name: string): boolean {
    return [...this.#controls.values()].includes(name);
  }

  /** The name of the control token at an offset. */
  controlAt(offset: number): string | undefined {
    return this.#controls.get(offset);
  }

  /** The ordinary text from an offset to the next control token. */
  textAt(offset: number): string {
    const next = [...this.#controls.keys()].find((at) => at >= offset) ?? this.text.length;
    return this.text.slice(offset, next);
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
