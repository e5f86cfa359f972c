import {
  closesFence,
  type Fence,
  fenceOf,
  indentOf,
  isBlank,
  isHeading,
  isItem,
  isRule,
  isTableRule,
  mathOf,
} from './lines.ts';

/** A piece of Markdown that is read by itself. */
export interface Block {
  readonly kind: 'text' | 'code' | 'table' | 'math';
  /** Of code and maths what is inside; of the others their Markdown. */
  readonly source: string;
  /** What stands behind the fence of code. */
  readonly info: string;
}

/** A list or a run of lines that grows beyond this is cut where that shows least. */
const LONG = 4096;
const ITEM = /^\s*([-*+]|\d{1,9}[.)])\s/;
/** Maths that has not closed by then is none. */
const LONGEST_MATH = 8192;

/**
 * Cuts a text that grows into blocks, reading each line once. Blocks in `done` never change; `tail` is what the text ends in. The cuts are where Markdown has them, but for long lists and paragraphs (cut between items or lines) and for reference
 * definitions, which hold in their own block only.
 */
export class BlockSplitter {
  readonly done: Block[] = [];
  #kind: Block['kind'] = 'text';
  #source = '';
  #partial = '';
  /** Of the code block, or of one inside a list. */
  #fence: Fence | undefined;
  #mathEnd = '';
  #isList = false;
  #afterBlank = false;

  push(piece: string): void {
    let from = 0;
    for (let at = piece.indexOf('\n'); at >= 0; at = piece.indexOf('\n', from)) {
      this.#line(this.#partial + piece.slice(from, at));
      this.#partial = '';
      from = at + 1;
    }
    this.#partial += from === 0 ? piece : piece.slice(from);
    while (this.#partial.length > LONG && this.#kind === 'text' && !this.#fence) this.#cutPartial();
  }

  /** What is not finished, read as if the text ended here: it will be read again. */
  get tail(): Block[] {
    const kept = [this.#kind, this.#source, this.#fence, this.#mathEnd, this.#isList, this.#afterBlank] as const;
    const { length } = this.done;
    if (this.#partial !== '') this.#line(this.#partial);
    const info = this.#kind === 'code' ? (this.#fence?.info ?? '') : '';
    const open = { kind: this.#kind, source: this.#source, info };
    [this.#kind, this.#source, this.#fence, this.#mathEnd, this.#isList, this.#afterBlank] = kept;
    const tail = this.done.splice(length);
    return open.kind === 'code' || !isBlank(open.source) ? [...tail, open] : tail;
  }

  #line(line: string): void {
    if (this.#kind === 'code') this.#codeLine(line);
    else if (this.#kind === 'math') this.#mathLine(line);
    else if (this.#kind === 'table') this.#tableLine(line);
    else this.#textLine(line);
  }

  #tableLine(line: string): void {
    if (line.includes('|')) {
      this.#add(line);
    } else {
      this.#finish();
      this.#textLine(line);
    }
  }

  #codeLine(line: string): void {
    if (this.#fence && closesFence(line, this.#fence)) this.#finish();
    else this.#add(line);
  }

  #mathLine(line: string): void {
    const end = line.indexOf(this.#mathEnd);
    if (end >= 0) {
      const rest = line.slice(end + this.#mathEnd.length);
      this.#source += line.slice(0, end);
      this.#finish();
      if (!isBlank(rest)) this.#textLine(rest);
      return;
    }
    this.#add(line);
    if (this.#source.length > LONGEST_MATH) {
      this.#kind = 'text';
      this.#source = (this.#mathEnd === '$$' ? '$$' : '\\[') + this.#source;
      this.#finish();
    }
  }

  #textLine(line: string): void {
    if (this.#fence) {
      if (closesFence(line, this.#fence)) this.#fence = undefined;
      this.#add(line);
    } else if (isBlank(line)) this.#blankLine(line);
    else if (!this.#isList || !this.#listLine(line)) this.#firstLine(line);
  }

  /** One that may begin a block, and end the one before. */
  #firstLine(line: string): void {
    if (this.#isList) this.#finish();
    const fence = indentOf(line) < 4 ? fenceOf(line) : undefined;
    if (fence) this.#beginCode(fence);
    else if (isHeading(line)) this.#alone(line);
    else if (!(isTableRule(line) && this.#beginTable(line)) && !this.#beginMath(line)) this.#plainLine(line);
  }

  #plainLine(line: string): void {
    if (isItem(line) && !isRule(line)) {
      this.#finish();
      this.#isList = true;
      this.#fence = fenceOf(line.replace(ITEM, ''));
    } else if (this.#source.length > LONG) this.#finish();
    this.#add(line);
  }

  #blankLine(line: string): void {
    if (this.#isList) {
      this.#afterBlank = true;
      this.#add(line);
    } else this.#finish();
  }

  /** Whether the line goes on with the list. */
  #listLine(line: string): boolean {
    const isNext = isItem(line) && !isRule(line);
    const belongs =
      isNext || indentOf(line) >= 2 || (!this.#afterBlank && !fenceOf(line) && !isHeading(line) && !mathOf(line));
    if (!belongs) return false;
    if (isNext && indentOf(line) === 0 && this.#source.length > LONG) {
      this.#finish();
      this.#isList = true;
    }
    this.#afterBlank = false;
    this.#fence = fenceOf(line.replace(ITEM, ''));
    this.#add(line);
    return true;
  }

  /** The line before is the table's head. */
  #beginTable(rule: string): boolean {
    const lines = this.#source.split('\n');
    const head = lines.at(-2);
    if (!head?.includes('|')) return false;
    this.#source = lines
      .slice(0, -2)
      .map((line) => `${line}\n`)
      .join('');
    this.#finish();
    this.#kind = 'table';
    this.#source = `${head}\n${rule}\n`;
    return true;
  }

  #beginMath(line: string): boolean {
    const end = mathOf(line);
    if (!end) return false;
    const inside = line.trimStart().slice(2);
    const closing = inside.indexOf(end);
    if (closing >= 0 && !isBlank(inside.slice(closing + end.length))) return false; // inside a sentence
    this.#finish();
    this.#kind = 'math';
    this.#mathEnd = end;
    if (closing < 0) this.#add(inside);
    else {
      this.#source = inside.slice(0, closing);
      this.#finish();
    }
    return true;
  }

  #alone(line: string): void {
    this.#finish();
    this.#add(line);
    this.#finish();
  }

  #beginCode(fence: Fence): void {
    this.#finish();
    this.#kind = 'code';
    this.#fence = fence;
  }

  #add(line: string): void {
    this.#source += `${line}\n`;
  }

  /** A line without an end, as hostile output has it, is cut between words. */
  #cutPartial(): void {
    const space = this.#partial.lastIndexOf(' ', LONG);
    const end = space > LONG / 2 ? space + 1 : LONG;
    this.#source += this.#partial.slice(0, end);
    this.#partial = this.#partial.slice(end);
    this.#finish();
  }

  #finish(): void {
    const block = {
      kind: this.#kind,
      source: this.#source,
      info: this.#kind === 'code' ? (this.#fence?.info ?? '') : '',
    };
    if (block.kind === 'code' || !isBlank(block.source)) this.done.push(block);
    this.#kind = 'text';
    this.#source = '';
    this.#fence = undefined;
    this.#mathEnd = '';
    this.#isList = false;
    this.#afterBlank = false;
  }
}

/** All blocks of a text that is whole. */
export function blocksOf(text: string): Block[] {
  const splitter = new BlockSplitter();
  splitter.push(text);
  return [...splitter.done, ...splitter.tail];
}
