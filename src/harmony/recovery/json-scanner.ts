const SPACE = /[ \t\n\r]/;
const LITERALS = ['true', 'false', 'null'];

/** The states of a number and where each character leads; `1` stands for the digits from 1 to 9. */
const NUMBER: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  start: { '-': 'minus', '0': 'zero', '1': 'whole' },
  minus: { '0': 'zero', '1': 'whole' },
  zero: { '.': 'point', e: 'exponent' },
  whole: { '0': 'whole', '1': 'whole', '.': 'point', e: 'exponent' },
  point: { '0': 'fraction', '1': 'fraction' },
  fraction: { '0': 'fraction', '1': 'fraction', e: 'exponent' },
  exponent: { '-': 'sign', '+': 'sign', '0': 'power', '1': 'power' },
  sign: { '0': 'power', '1': 'power' },
  power: { '0': 'power', '1': 'power' },
};
const WHOLE_NUMBERS: readonly string[] = ['zero', 'whole', 'fraction', 'power'];

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
  /** The first character that is not white space. */
  opener: string | undefined;
  readonly #closers: string[] = [];
  #expected: Expectation = 'value';
  #literal = ''; // of true, false, null so far
  #number = ''; // state of a number, '' outside
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
    if (this.#literal !== '' || this.#number !== '') return this.#inScalar(char);
    if (SPACE.test(char)) return true;
    this.opener ??= char;
    return this.#between(char);
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
    return this.#goOn(char);
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
    if (!isSpace && char !== ',' && char !== this.#closers.at(-1)) return this.#goOn(char);
    const isWhole = WHOLE_NUMBERS.includes(this.#number) || LITERALS.includes(this.#literal);
    this.#number = '';
    this.#literal = '';
    this.#expected = 'comma or end';
    return isWhole && (isSpace || this.#between(char));
  }

  /** The next character of a number or a literal. */
  #goOn(char: string): boolean {
    if (/[a-z]/.test(char) && this.#number === '') {
      this.#literal += char;
      return LITERALS.some((word) => word.startsWith(this.#literal));
    }
    const kind = /[1-9]/.test(char) ? '1' : char.toLowerCase();
    const next = NUMBER[this.#number || 'start']![kind];
    this.#number = next ?? '';
    return next !== undefined && this.#literal === '';
  }
}

/** Scans one text that is there as a whole. */
export function scanJson(text: string): JsonScanner {
  const scanner = new JsonScanner();
  scanner.push(text);
  return scanner;
}

/** Whether text begins with an object, whole or cut short. */
export function beginsObject(text: string): boolean {
  const { state, opener } = scanJson(text);
  return state !== 'invalid' && opener === '{';
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
