import { maxLines } from './page.ts';
import { plainText, width, wrap } from './wrap.ts';

/** Puts words and blocks into lines. Knows nothing of HTML. */
export class TextWriter {
  readonly lines: string[] = [];
  /** What every line of a block begins with, of all lists and quotations that are open; innermost last. */
  readonly #indents: string[] = [''];
  /** Stands in for the innermost indent on the first line of an item: `* `. */
  #marker: string | undefined;
  /** The line that is being written. In parts, since pages have lines of a million words. */
  #parts: string[] = [];
  /** Parts in which line breaks are just spaces: cells, headings, links. */
  #tight = 0;

  /** Words, white space as in HTML. */
  words(text: string): void {
    const words = plainText(text).replaceAll(/\s+/g, ' ');
    this.raw(this.#atSpace() ? words.trimStart() : words);
  }

  /** Text that is already as it should be. */
  raw(text: string): void {
    if (text !== '') this.#parts.push(text);
  }

  /** Text whose line breaks and spaces count. */
  preformatted(text: string): void {
    if (this.#tight > 0) {
      this.words(text);
      return;
    }
    this.endLine();
    for (const line of plainText(text).replace(/\n$/, '').split('\n')) {
      this.#put(line.trimEnd().replaceAll('\t', '    '), maxCodeWidth);
    }
  }

  endLine(): void {
    if (this.#tight > 0) {
      if (!this.#atSpace()) this.#parts.push(' ');
      return;
    }
    const text = this.#parts.join('').trim();
    this.#parts = [];
    if (text !== '') this.#put(text, width);
  }

  /** An empty line, unless there is one. */
  endBlock(): void {
    this.endLine();
    if (this.#tight === 0 && this.#marker === undefined && this.lines.at(-1)?.trim()) this.lines.push('');
  }

  /** Where the words stand that come next; `takeSince` takes them back, if the line has not ended. */
  mark(): number {
    return this.#parts.length;
  }

  takeSince(mark: number): string {
    return this.#parts.splice(mark).join('');
  }

  beginTight(): void {
    this.#tight++;
  }

  endTight(): void {
    this.#tight--;
  }

  indent(text: string, marker = text): void {
    this.endLine();
    const outer = this.#indents.at(-1)!;
    this.#indents.push((outer + text).slice(0, maxIndent));
    this.#marker = outer + marker;
  }

  outdent(): void {
    this.endLine();
    this.#indents.pop();
    this.#marker = undefined;
  }

  #atSpace(): boolean {
    return this.#parts.length === 0 || this.#parts.at(-1)!.endsWith(' ');
  }

  #put(text: string, columns: number): void {
    const indent = this.#indents.at(-1)!;
    const first = this.#marker ?? indent;
    this.#marker = undefined;
    for (const [index, piece] of wrap(text, columns - indent.length).entries()) {
      if (this.lines.length < maxLines) this.lines.push((index === 0 ? first : indent) + piece);
    }
  }
}

/** Programs are cut only where they would go on and on. */
const maxCodeWidth = 160;
const maxIndent = 24;
