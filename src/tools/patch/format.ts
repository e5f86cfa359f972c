/** What a patch does to one file. */
export type FilePatch =
  | { readonly change: 'add'; readonly path: string; readonly lines: readonly string[] }
  | { readonly change: 'delete'; readonly path: string }
  | {
      readonly change: 'update';
      readonly path: string;
      /** Its new path. */
      readonly moveTo?: string;
      readonly hunks: readonly Hunk[];
    };

export interface Hunk {
  /** Lines that come somewhere before it, each after the one before: `class A`, `def f(self):`. */
  readonly headers: readonly string[];
  /** Whether what headers say is only a hint, as in the hunks of other formats. */
  readonly hint: boolean;
  readonly lines: readonly HunkLine[];
  /** The file ends with it. */
  readonly atEnd: boolean;
  /** Where it stands in the patch, counted from 1. */
  readonly line: number;
}

export interface HunkLine {
  readonly sign: ' ' | '+' | '-';
  readonly text: string;
}

/** A patch that cannot be read or applied; the message is for the model. */
export class PatchError extends Error {}

const BEGIN = '*** Begin Patch';
const END = '*** End Patch';
const END_OF_FILE = '*** End of File';
const ADD = '*** Add File:';
const DELETE = '*** Delete File:';
const UPDATE = '*** Update File:';
const MOVE = '*** Move to:';
/** What belongs to a shell or to Markdown. */
const WRAPPING = /^\s*(?:```\w*|(?:apply_patch )?<<\s*['"]?\w+['"]?|EOF|PATCH)?\s*$/;
const SECTIONS = [ADD, DELETE, UPDATE, END];

/**
 * Reads the patch format that OpenAI's models were trained on:
 *
 *   *** Begin Patch
 *   *** Update File: src/a.py
 *   *** Move to: src/b.py        (optional)
 *   @@ def greet():              (optional, and more than one: lines before the change)
 *    context
 *   -removed
 *   +added
 *   *** End of File              (optional: the file ends here)
 *   *** Add File: hello.txt
 *   +every line
 *   *** Delete File: old.txt
 *   *** End Patch
 *
 * Throws `PatchError`, which names the line. Reference: gpt_oss/tools/apply_patch.md
 */
export function parsePatch(text: string): readonly FilePatch[] {
  return new PatchReader(text).read();
}

class PatchReader {
  readonly #lines: readonly string[];
  #at: number;
  readonly #last: number;

  constructor(text: string) {
    this.#lines = text.split(/\r\n|\n/);
    const begin = this.#lines.findIndex((line) => line.trim() === BEGIN);
    const end = this.#lines.findLastIndex((line) => line.trim() === END);
    if (begin < 0) throw new PatchError(`The patch must begin with the line "${BEGIN}"`);
    if (end < begin) throw new PatchError(`The patch must end with the line "${END}"; it may be cut off`);
    const around = [...this.#lines.slice(0, begin), ...this.#lines.slice(end + 1)];
    const stray = around.find((line) => !WRAPPING.test(line));
    if (stray !== undefined) throw new PatchError(`Nothing may stand around the patch: "${stray.slice(0, 100)}"`);
    this.#at = begin + 1;
    this.#last = end;
  }

  read(): readonly FilePatch[] {
    const files: FilePatch[] = [];
    while (this.#at < this.#last) {
      if (this.#line().trim() === '') this.#at++;
      else files.push(this.#file());
    }
    if (files.length === 0) throw new PatchError('The patch changes no file');
    return files;
  }

  #file(): FilePatch {
    const line = this.#line();
    const add = this.#take(ADD);
    if (add !== undefined) return { change: 'add', path: add, lines: this.#addedLines() };
    const gone = this.#take(DELETE);
    if (gone !== undefined) return { change: 'delete', path: gone };
    const path = this.#take(UPDATE);
    if (path === undefined) {
      throw this.#bad(`"${line.slice(0, 100)}" is none of "${ADD} path", "${UPDATE} path", "${DELETE} path"`);
    }
    const moveTo = this.#take(MOVE);
    const hunks = this.#hunks();
    if (hunks.length === 0 && moveTo === undefined) throw this.#bad(`the update of ${path} has no lines`);
    return { change: 'update', path, ...(moveTo === undefined ? {} : { moveTo }), hunks };
  }

  #addedLines(): readonly string[] {
    const lines: string[] = [];
    for (; !this.#isSection(); this.#at++) {
      const line = this.#line();
      if (line.startsWith('+')) lines.push(line.slice(1));
      else if (line.trim() !== '') throw this.#bad('every line of a new file must begin with "+"');
    }
    return lines;
  }

  #hunks(): readonly Hunk[] {
    const hunks: Hunk[] = [];
    while (!this.#isSection()) {
      if (this.#line().trim() === '' && this.#nextIsSection()) this.#at++;
      else hunks.push(this.#hunk(hunks.length === 0));
    }
    return hunks;
  }

  #hunk(isFirst: boolean): Hunk {
    const line = this.#at + 1;
    const { headers, hint } = this.#headers();
    if (!isFirst && line === this.#at + 1) throw this.#bad('a hunk must begin with "@@"');
    const lines: HunkLine[] = [];
    for (; !this.#isSection() && !this.#line().startsWith('@@') && !this.#isEndOfFile(); this.#at++) {
      lines.push(this.#hunkLine());
    }
    for (let last = this.#at - 1; lines.length > 0 && this.#lines[last] === ''; last--) lines.pop(); // between sections
    const atEnd = this.#isEndOfFile();
    if (atEnd) this.#at++;
    if (lines.length === 0) throw new PatchError(`Line ${line} of the patch: the hunk has no lines`);
    return { headers, hint, lines, atEnd, line };
  }

  /** `@@ class A`, `@@`, and `@@ -1,2 +3,4 @@ class A` of other formats, whose numbers say nothing here. */
  #headers(): Pick<Hunk, 'headers' | 'hint'> {
    const headers: string[] = [];
    let hint = false;
    for (; !this.#isSection() && this.#line().startsWith('@@'); this.#at++) {
      const text = this.#line().slice(2);
      const numbered = /^ *-\d+(?:,\d+)? \+\d+(?:,\d+)? @@ ?(.*)$/.exec(text);
      hint ||= numbered !== null;
      const header = numbered?.[1] ?? text.replace(/^ /, '').replace(/ @@$/, '');
      if (header.trim() !== '') headers.push(header);
    }
    return { headers, hint };
  }

  #hunkLine(): HunkLine {
    const line = this.#line();
    const sign = line === '' ? ' ' : line[0];
    if (sign === ' ' || sign === '+' || sign === '-') return { sign, text: line.slice(1) };
    throw this.#bad(`a line of a hunk must begin with " ", "+" or "-": "${line.slice(0, 100)}"`);
  }

  /** The path after a marker. */
  #take(marker: string): string | undefined {
    const line = this.#line().trim();
    if (this.#at >= this.#last || !line.startsWith(marker)) return undefined;
    const path = line.slice(marker.length).trim();
    if (path === '') throw this.#bad(`no path follows "${marker}"`);
    this.#at++;
    return path;
  }

  #line(): string {
    return this.#lines[this.#at] ?? '';
  }

  #isSection(at = this.#at): boolean {
    const line = this.#lines[at] ?? '';
    return at >= this.#last || SECTIONS.some((marker) => line.startsWith(marker));
  }

  #nextIsSection(): boolean {
    let next = this.#at;
    while (next < this.#last && this.#lines[next]?.trim() === '') next++;
    return this.#isSection(next);
  }

  #isEndOfFile(): boolean {
    return this.#line().trimEnd() === END_OF_FILE;
  }

  #bad(what: string): PatchError {
    return new PatchError(`Line ${this.#at + 1} of the patch: ${what}`);
  }
}
