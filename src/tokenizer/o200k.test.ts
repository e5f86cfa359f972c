import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { Tiktoken } from 'tiktoken';
import { OssiaError } from '../base/index.ts';
import { o200kHarmony, readPacked } from './o200k.ts';

const tokenizer = o200kHarmony();
const official = officialTokenizer();

function officialTokenizer(): Tiktoken {
  const path = createRequire(import.meta.url).resolve('tiktoken/encoders/o200k_base.json');
  const { bpe_ranks, pat_str } = JSON.parse(readFileSync(path, 'utf8'));
  return new Tiktoken(bpe_ranks, Object.fromEntries(tokenizer.specials), pat_str);
}

function assertSameIds(text: string): void {
  const ours = tokenizer.encode(text);
  const theirs = official.encode_ordinary(text);
  const at = ours.findIndex((id, i) => id !== theirs[i]);
  const before = tokenizer.decode(ours.slice(Math.max(0, at - 5), at));
  assert.ok(at < 0 && ours.length === theirs.length, `ids differ after ${JSON.stringify(before)}`);
}

/** Names of languages, regions, currencies and dates in the languages that the system's own data knows. */
function* worldwide(): Generator<string> {
  const locales =
    'en de fr es pt it nl pl cs hu fi tr vi id sw yo ru uk bg sr el ka hy he ar fa ur hi mr bn pa gu ta te kn ml si th lo my km am ja ko zh zh-TW';
  const codes = 'en de fr ru ar he hi ta th ja ko zh sw mn bo dz chr iu am my km'.split(' ');
  const regions = 'US DE FR RU SA IL IN LK TH JP KR CN TW GR GE AM ET MM KH MN'.split(' ');
  for (const locale of locales.split(' ')) {
    const languageNames = new Intl.DisplayNames(locale, { type: 'language' });
    const regionNames = new Intl.DisplayNames(locale, { type: 'region' });
    const dates = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' });
    const numbers = new Intl.NumberFormat(locale, { style: 'unit', unit: 'kilometer-per-hour', unitDisplay: 'long' });
    yield codes.map((code) => languageNames.of(code)).join(', ');
    yield regions.map((region) => regionNames.of(region)).join('\n- ');
    for (let i = 0; i < 40; i++) yield `${dates.format(i * 1.7e11)} ${numbers.format(3 ** i / 7)}`;
  }
}

/** Pieces that each provoke a part of the pattern, strung together by a fixed random walk. */
function* adversarial(count: number): Generator<string> {
  const parts = [
    ...[
      "'s",
      "'T",
      "'rE",
      "'ll",
      "'LL",
      "'ſ",
      "'x",
      '’s',
      'n’t',
      'can',
      'CAN',
      'Can',
      'cAN',
      'ſ',
      'ßẞ',
      'ǅ',
      'ʰ',
      'ª',
      'ﬁ',
    ],
    ...[
      ' ',
      '  ',
      '   ',
      '\t',
      '\n',
      '\r\n',
      '\n\n',
      '\u0085',
      '\u00a0',
      '\u2028',
      '\u2029',
      '\u3000',
      '\u200b',
      '\ufeff',
      '\u180e',
    ],
    ...[
      '0',
      '12',
      '345',
      '6789',
      '٣٤',
      '½',
      'Ⅷ',
      '²',
      '0x1F',
      '1,234.56',
      '中文',
      '、',
      'ひらがな',
      'カタカナ',
      '한국어',
      'العربية',
      'مَرْحَبًا',
    ],
    ...[
      'हिन्दी',
      'தமிழ்',
      'ไทย',
      'ខ្មែរ',
      'e\u0301',
      '\u0301',
      '\u0301\u0302',
      '👍',
      '👍🏽',
      '👩‍👧‍👦',
      '🏳️‍🌈',
      '🇩🇪',
      '1️⃣',
      '𝒜𝔟',
      '𐐀𐐨',
      '𞤀𞤢',
    ],
    ...[
      '!',
      '?!',
      '...',
      '//',
      '/',
      '/\n',
      '#!',
      '</p>\n',
      '{};',
      '=>',
      '->',
      '+=',
      '"',
      '`',
      '\\n',
      '\u0000',
      '\u001b[1m',
      '\u007f',
      '\u0295',
      '\ua7ce',
    ],
    ...[
      'function',
      'return',
      'i',
      'Antidisestablishmentarianism',
      'a'.repeat(131),
      'Zz'.repeat(61),
      '\ud800',
      '\udc00x',
      '<|end|>',
      '<|start|>',
    ],
  ];
  let state = 20260101;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    yield parts[(state >>> 8) % parts.length]!;
  }
}

test('a megabyte of mixed text gives the ids that tiktoken gives', () => {
  const source = readFileSync(import.meta.filename, 'utf8');
  const text = [...worldwide(), source, ...adversarial(120_000)].join('');
  assert.ok(Buffer.byteLength(text) > 2 ** 20, `${Buffer.byteLength(text)} bytes`);
  assertSameIds(text);
  assert.equal(tokenizer.decode(tokenizer.encode(text)), text.toWellFormed());
});

const anyCharacter = fc.nat(0x10ffff).map((code) => String.fromCodePoint(code)); // lone surrogates included
const planeZero = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const provoking = fc.constantFrom(...new Set(adversarial(3000)));
const texts: [string, fc.Arbitrary<string>][] = [
  ['any characters', fc.string({ unit: anyCharacter, maxLength: 31 })],
  ['characters of plane 0', fc.string({ unit: planeZero, maxLength: 31 })],
  ['provoking pieces', fc.array(provoking, { maxLength: 13 }).map((parts) => parts.join(''))],
  [
    'white space and words',
    fc.string({ unit: fc.constantFrom(..." \t\n\r\u0085\u00a0\ufeffaA中\u0301'sſ/!1"), maxLength: 19 }),
  ],
];
for (const [what, text] of texts) {
  test(`${what} in any order give the ids that tiktoken gives, and come back`, () => {
    const check = (sample: string) => {
      assertSameIds(sample);
      assert.equal(tokenizer.decode(tokenizer.encode(sample)), sample.toWellFormed());
    };
    fc.assert(fc.property(text, check), { numRuns: 5000 });
  });
}

test('every token of the vocabulary has the bytes that tiktoken gives it', () => {
  const differing = [];
  for (let id = 0; id < 199_998; id++) {
    const theirs = official.decode_single_token_bytes(id);
    if (!Buffer.from(tokenizer.tokenBytes(id)).equals(theirs)) differing.push(id);
  }
  assert.deepEqual(differing, []);
});

test('control tokens by name become ids only when asked for, as in tiktoken', () => {
  const text = '<|start|>system<|message|>You are…<|end|><|start|>assistant<|reserved_200500|><|unknown|>';
  assert.deepEqual(tokenizer.encodeWithSpecials(text), [...official.encode(text, 'all')]);
  assert.deepEqual(tokenizer.encodeWithSpecials(text).slice(0, 3), [200006, 17360, 200008]);
  assert.deepEqual(tokenizer.encode('<|end|>'), [27, 91, 419, 91, 29]);
  assert.equal(tokenizer.decode(tokenizer.encodeWithSpecials(text)), text);
});

test('what looks like a control token in ordinary text never becomes one', () => {
  const names = fc.constantFrom(...tokenizer.specials.keys(), '<|', '|>', '<', 'end', ' ');
  fc.assert(
    fc.property(fc.array(names, { maxLength: 9 }), (parts) => {
      const ids = tokenizer.encode(parts.join(''));
      assert.ok(ids.every((id) => id < 199_998));
      assert.equal(tokenizer.decode(ids), parts.join(''));
    }),
    { numRuns: 3000 },
  );
});

test('control tokens have the names and ids of o200k_harmony', () => {
  const ids = [199998, 199999, 200000, 200002, 200003, 200005, 200006, 200007, 200008, 200012, 200013, 201087, 201088];
  assert.deepEqual(
    ids.map((id) => tokenizer.decode([id])).join(''),
    '<|startoftext|><|endoftext|><|reserved_200000|><|return|><|constrain|><|channel|><|start|><|end|><|message|><|call|>' +
      '<|reserved_200013|><|reserved_201087|><|reserved_201088|>',
  );
  assert.equal(tokenizer.specials.get('<|endofprompt|>'), 200018);
  assert.equal(tokenizer.vocabSize, 201_089);
});

for (const id of [201_089, -1, 0.5, Number.NaN, 2 ** 32]) {
  test(`the id ${id} is refused by number`, () => {
    const isRefusal = (error: unknown) =>
      error instanceof OssiaError && error.code === 'tokenizer/unknown-token' && error.message.includes(`token ${id}:`);
    assert.throws(() => tokenizer.decode([5, id]), isRefusal);
    assert.throws(() => tokenizer.tokenBytes(id), isRefusal);
    assert.throws(() => tokenizer.stream().push(id), isRefusal);
  });
}

test('the bytes of a token are a copy', () => {
  tokenizer.tokenBytes(13225).fill(0);
  tokenizer.tokenBytes(200006).fill(0);
  assert.equal(tokenizer.decode([13225, 200006]), 'Hello<|start|>');
});

test('a package without its data says how to build it', () => {
  assert.throws(
    () => readPacked(new URL('./data/absent.bin', import.meta.url)),
    (error) =>
      error instanceof OssiaError && error.code === 'tokenizer/bad-vocabulary' && /npm run build/.test(error.message),
  );
});
