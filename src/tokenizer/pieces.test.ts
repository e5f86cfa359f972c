import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endOfPiece } from './pieces.ts';

function pieces(text: string): string[] {
  const bytes = new TextEncoder().encode(text);
  const found: string[] = [];
  for (let start = 0, end = 0; start < bytes.length; start = end) {
    end = endOfPiece(bytes, start);
    found.push(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(start, end)));
  }
  return found;
}

/** Each text with the pieces that the official tokeniser's regular expression makes of it. */
const cases: [behaviour: string, ...pieces: string[]][] = [
  ['a space leads the next word', 'The', ' quick', ' fox'],
  ['so does one character of punctuation, but not two', '(light', ' --', 'house'],
  ['a tab leads as well, a line break does not', 'a', '\tb', '\n', 'c'],
  ['capitals before lower case start a word', 'camel', 'Case', 'HTMLElement'],
  ['capitals alone are a word', 'ABC', '1', ' XYZ'],
  ['caseless letters end the capitals', 'AB中', 'CD'],
  ['contractions in any case stay with their word', "I'm", " WE'VE", " he'd", " they'LL", " you're", " it's", " don'T"],
  ['the long s folds to s', "it'ſ"],
  ['an apostrophe before other letters leads them', 'rock', "'n"],
  ['numbers of any script come in groups of three', '123', '456', '7٣٤', '٥Ⅷ½', ' ', '8'],
  ['punctuation takes the line breaks and slashes after it', '!?\n/\r\n', 'a', '://\n'],
  ['a space leads punctuation', ' +=', ' 中', ' ...'],
  ['a mark goes on with a word', 'e\u0301té', ' हिन्दी'],
  ['a mark alone is a word', '\u0301', '1'],
  ['a mark alone takes a contraction as words do', "\u0301's", " \u0301'LL"],
  ['a mark does not lead capitals', '\u0301', 'AB'],
  ['a mark leads capitals that lower case follows', '\u0301ABc'],
  ['a mark after punctuation belongs to it once there are two', '!!\u0301', ' !\u0301'],
  ['white space ends before what leads a word', '  ', ' a', '   ', ' !'],
  ['white space before a number is no lead', 'a', '  ', ' ', '1'],
  ['white space at the end is one piece', 'a', '   '],
  ['white space is cut after its last line break', 'a', ' \n \r\n', ' ', ' b', '\n\n'],
  ['U+0085 is white space that leads a word', ' ', '\u0085b'],
  ['U+FEFF is punctuation', '\ufeff\ufeff', 'x', '\ufeffy'],
  ['emoji are punctuation, their joiners too', '👩‍👧‍👦', ' 🏽'],
];
for (const [behaviour, ...expected] of cases) {
  test(behaviour, () => assert.deepEqual(pieces(expected.join('')), expected));
}
