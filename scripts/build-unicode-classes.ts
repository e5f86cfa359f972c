/**
 * Writes src/tokenizer/unicode-classes.ts: which characters the pre-tokeniser's pattern calls letter, mark, number or
 * white space.
 *
 * JavaScript's own `\p{…}` follows the Unicode version of whoever runs it (17.0 in Node 24), and the official tokeniser
 * follows its Rust crate's (16.0), so some characters would split differently from one Node to the next. The table
 * is therefore asked of tiktoken itself, and kept. Run by hand when tiktoken moves to a newer Unicode.
 */
import { writeFileSync } from 'node:fs';
import { Tiktoken } from 'tiktoken';

/** A letter for each class, as in the file, and the pattern of its characters. The last match wins. */
const classes = {
  u: '[\\p{Lu}\\p{Lt}]',
  l: '\\p{Ll}',
  c: '[\\p{Lm}\\p{Lo}]',
  m: '\\p{M}',
  n: '\\p{N}',
  s: '\\s',
  r: '[\\r\\n]',
};

const singleBytes = `! 0 ${Array.from({ length: 256 }, (_, byte) => Buffer.from([byte]).toString('base64')).join(' ')}`;

/** All characters that the pattern matches: with one token a byte, what does not match leaves no token behind. */
function members(pattern: string, text: string): string {
  const encoder = new Tiktoken(singleBytes, {}, pattern);
  const bytes = Uint8Array.from(encoder.encode_ordinary(text));
  encoder.free();
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

function classOfEveryCharacter(): string[] {
  let text = '';
  for (let code = 0; code < 0x110000; code++) {
    if (code < 0xd800 || code > 0xdfff) text += String.fromCodePoint(code);
  }
  const table = new Array<string>(0x110000).fill('o');
  for (const [letter, pattern] of Object.entries(classes)) {
    for (const character of members(pattern, text)) table[character.codePointAt(0)!] = letter;
  }
  return table;
}

/** Runs as `letter` + `length in base 36`, `u1l1u1…`, a length of 1 left out; lines of at most 116. */
function runLengths(table: string[]): string[] {
  const lines: string[] = [''];
  for (let start = 0, end = 0; start < table.length; start = end) {
    while (end < table.length && table[end] === table[start]) end++;
    const run = `${table[start]!.toUpperCase()}${end - start === 1 ? '' : (end - start).toString(36)}`;
    if (lines.at(-1)!.length + run.length > 114) lines.push('');
    lines[lines.length - 1] += run;
  }
  return lines;
}

const lines = runLengths(classOfEveryCharacter());
const source = `/** Made by scripts/build-unicode-classes.ts; explained in unicode.ts. */
export const RUNS =
${lines.map((line) => `  '${line}'`).join(' +\n')};
`;
writeFileSync(new URL('../src/tokenizer/unicode-classes.ts', import.meta.url), source);
console.log(`src/tokenizer/unicode-classes.ts: ${source.length} bytes`);
