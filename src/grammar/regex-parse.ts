import { OssiaError } from '../base/index.ts';
import { type CodePoints, complement, digits, lineEnds, spaces, union, wordCharacters } from './code-points.ts';

export type Regex =
  | { readonly kind: 'set'; readonly set: CodePoints }
  | { readonly kind: 'all'; readonly parts: readonly Regex[] }
  | { readonly kind: 'one'; readonly parts: readonly Regex[] }
  | { readonly kind: 'repeat'; readonly part: Regex; readonly min: number; readonly max: number }
  | { readonly kind: 'assert'; readonly at: 'start' | 'end' };

const MAX_LENGTH = 4_000;
const MAX_DEPTH = 100;

/**
 * The regular part of JavaScript's expressions, as with the flag `u`. Throws `grammar/bad-schema` for what is no expression
 * at all, and `grammar/unsupported-schema` for what no finite automaton is: look-around, back references, word borders,
 * classes by property.
 */
export function parseRegex(source: string): Regex {
  if (source.length > MAX_LENGTH) throw unsupported(source.slice(0, 40), `more than ${MAX_LENGTH} characters`);
  try {
    new RegExp(source, 'u');
  } catch (cause) {
    throw new OssiaError('grammar/bad-schema', `Cannot read the pattern ${source}: it is no regular expression`, {
      cause,
    });
  }
  return new Parser(source).all();
}

function unsupported(source: string, what: string): OssiaError {
  return new OssiaError(
    'grammar/unsupported-schema',
    `Cannot make a finite automaton of the pattern ${source}: ${what}`,
  );
}

/** Trusts that the source is well formed. */
class Parser {
  readonly #characters: readonly string[];
  readonly #source: string;
  #position = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
    this.#characters = [...source];
  }

  all(): Regex {
    if (++this.#depth > MAX_DEPTH) throw unsupported(this.#source, `groups more than ${MAX_DEPTH} deep`);
    const parts: Regex[] = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    this.#depth--;
    return parts.length === 1 ? parts[0]! : { kind: 'one', parts };
  }

  #sequence(): Regex {
    const parts: Regex[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#quantified());
    }
    return { kind: 'all', parts };
  }

  #quantified(): Regex {
    const part = this.#atom();
    const [min, max] = this.#quantifier();
    if (min === 1 && max === 1) return part;
    this.#take('?'); // a lazy one accepts the same
    return { kind: 'repeat', part, min, max };
  }

  #quantifier(): [min: number, max: number] {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    if (!this.#take('{')) return [1, 1];
    const min = this.#number();
    const max = !this.#take(',') ? min : this.#peek() === '}' ? Number.POSITIVE_INFINITY : this.#number();
    this.#take('}');
    return [min, max];
  }

  #number(): number {
    let text = '';
    for (let next = this.#peek(); next !== undefined && next >= '0' && next <= '9'; next = this.#peek()) {
      text += next;
      this.#position++;
    }
    return Number(text);
  }

  #atom(): Regex {
    const character = this.#next();
    if (character === '^') return { kind: 'assert', at: 'start' };
    if (character === '$') return { kind: 'assert', at: 'end' };
    if (character === '(') return this.#group();
    if (character === '.') return { kind: 'set', set: complement(lineEnds) };
    if (character === '[') return { kind: 'set', set: this.#class() };
    if (character === '\\') return { kind: 'set', set: this.#escape() };
    return { kind: 'set', set: single(character.codePointAt(0)!) };
  }

  #group(): Regex {
    if (this.#take('?')) {
      const kind = this.#next();
      if (kind === '<' && this.#peek() !== '=' && this.#peek() !== '!') {
        while (this.#next() !== '>'); // a name, which nothing here refers to
      } else if (kind !== ':') throw unsupported(this.#source, 'it looks around');
    }
    const inside = this.all();
    this.#take(')');
    return inside;
  }

  #class(): CodePoints {
    const inverted = this.#take('^');
    const sets: CodePoints[] = [];
    while (!this.#take(']')) {
      const first = this.#classAtom();
      if (this.#peek() === '-' && this.#characters[this.#position + 1] !== ']') {
        this.#position++;
        sets.push([[first[0]![0], this.#classAtom()[0]![1]]]);
      } else sets.push(first);
    }
    const set = union(sets);
    return inverted ? complement(set) : set;
  }

  #classAtom(): CodePoints {
    const character = this.#next();
    if (character !== '\\') return single(character.codePointAt(0)!);
    if (this.#take('b')) return single(8);
    return this.#escape();
  }

  #escape(): CodePoints {
    const character = this.#next();
    const classes: Record<string, CodePoints> = { d: digits, w: wordCharacters, s: spaces };
    const lower = character.toLowerCase();
    const named = Object.hasOwn(classes, lower) ? classes[lower] : undefined;
    if (named !== undefined) return character === lower ? named : complement(named);
    const controls: Record<string, number> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };
    if (Object.hasOwn(controls, character)) return single(controls[character]!);
    if (character === 'x') return single(Number.parseInt(this.#next() + this.#next(), 16));
    if (character === 'u') return single(this.#unicode());
    if (/[a-z0-9]/i.test(character)) throw unsupported(this.#source, `it uses \\${character}`);
    return single(character.codePointAt(0)!);
  }

  #unicode(): number {
    if (this.#take('{')) {
      let text = '';
      for (let next = this.#next(); next !== '}'; next = this.#next()) text += next;
      return Number.parseInt(text, 16);
    }
    const unit = this.#hex4();
    const isHigh = unit >= 0xd800 && unit < 0xdc00;
    if (!isHigh || this.#peek() !== '\\' || this.#characters[this.#position + 1] !== 'u') return unit;
    const before = this.#position;
    this.#position += 2;
    const low = this.#peek() === '{' ? 0 : this.#hex4();
    if (low >= 0xdc00 && low < 0xe000) return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    this.#position = before;
    return unit;
  }

  #hex4(): number {
    return Number.parseInt(this.#next() + this.#next() + this.#next() + this.#next(), 16);
  }

  #peek(): string | undefined {
    return this.#characters[this.#position];
  }

  #next(): string {
    return this.#characters[this.#position++] ?? '';
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#position++;
    return true;
  }
}

function single(codePoint: number): CodePoints {
  return [[codePoint, codePoint]];
}
