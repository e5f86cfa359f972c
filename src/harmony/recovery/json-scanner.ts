const SPACE = /[ \t\n\r]/;
const NUMBER_START = /^-?(?:0|[1-9]\d*)?(?:(?<=\d)\.\d*)?(?:(?<=\d)[eE][+-]?\d*)?$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const LITERALS = ['true', 'false', 'null'];

/** What may come next. */
type Expectation = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end';

/**
 * Follows one JSON object or list character by character: whether it can still become one, is complete, or is no JSON.
 * Stops at the end of the first value; what comes behind is not its business.
 */
export class JsonScanner {
  state: 'open' | 'complete' | 'invalid' = 'open';
  /** Characters (UTF-16 units) taken: at the end of the value when complete, at the offending one when invalid. */
  length = 0;
  readonly #closers: string[] = [];
  #expected: Expectation = 'value';
  #scalar = ''; // a number or literal so far
  #string: 'none' | 'text' | 'escape' | 'hex' = 'none';
  #hexLeft = 0;

  push(text: string): void {
    for (let i = 0; i < text.length && this.state === 'open'; i++) {
      if (this.#accepts(text[i]!)) this.length++;
      else this.state = 'invalid';
    }
  }

  #accepts(char: string): boolean {
    if (this.#string !== 'none') return this.#inString(char);
    if (this.#scalar !== '') return this.#inScalar(char);
    return SPACE.test(char) || this.#between(char);
  }

  #between(char: string): boolean {
    const expected = this.#expected;
    if (char === this.#closers.at(-1) && expected.endsWith('or end')) return this.#close();
    if (expected === 'comma or end') {
      this.#expected = this.#closers.at(-1) === '}' ? 'key' : 'value';
      return char === ',';
    }
    if (expected === 'colon') {
      this.#expected = 'value';
      return char === ':';
    }
    if (expected.startsWith('key')) return char === '"' && this.#openString('colon');
    return this.#openValue(char);
  }

  #openValue(char: string): boolean {
    if (char === '{') return this.#open('}', 'key or end');
    if (char === '[') return this.#open(']', 'value or end');
    if (this.#closers.length === 0) return false;
    if (char === '"') return this.#openString('comma or end');
    this.#scalar = char;
    return /[-\dtfn]/.test(char);
  }

  #open(closer: string, next: Expectation): true {
    this.#closers.push(closer);
    this.#expected = next;
    return true;
  }

  #close(): true {
    this.#closers.pop();
    this.#expected = 'comma or end';
    if (this.#closers.length === 0) this.state = 'complete';
    return true;
  }

  #openString(next: Expectation): true {
    this.#string = 'text';
    this.#expected = next;
    return true;
  }

  #inString(char: string): boolean {
    if (this.#string === 'hex') {
      if (--this.#hexLeft === 0) this.#string = 'text';
      return /[0-9a-fA-F]/.test(char);
    }
    if (this.#string === 'escape') {
      this.#hexLeft = char === 'u' ? 4 : 0;
      this.#string = char === 'u' ? 'hex' : 'text';
      return '"\\/bfnrtu'.includes(char);
    }
    if (char === '"') this.#string = 'none';
    else if (char === '\\') this.#string = 'escape';
    return char >= ' ';
  }

  #inScalar(char: string): boolean {
    const isSpace = SPACE.test(char);
    if (!isSpace && char !== ',' && char !== this.#closers.at(-1)) {
      this.#scalar += char;
      return NUMBER_START.test(this.#scalar) || LITERALS.some((word) => word.startsWith(this.#scalar));
    }
    const isWhole = NUMBER.test(this.#scalar) || LITERALS.includes(this.#scalar);
    this.#scalar = '';
    this.#expected = 'comma or end';
    return isWhole && (isSpace || this.#between(char));
  }
}

/** Scans one text that is there as a whole. */
export function scanJson(text: string): JsonScanner {
  const scanner = new JsonScanner();
  scanner.push(text);
  return scanner;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
