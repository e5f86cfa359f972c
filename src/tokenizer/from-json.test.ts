import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { OssiaError } from '../base/index.ts';
import { tokenizerFromJson } from './from-json.ts';
import { endOfPiece } from './pieces.ts';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const nanoText = read('models/ossia-nano/tokenizer.json');
const nano = tokenizerFromJson(nanoText);

/** A fresh copy to spoil. */
const nanoFile = () => JSON.parse(nanoText);

test("every prompt of ossia-nano's checks has the ids that the model was checked with, and completions decode", () => {
  const { cases } = JSON.parse(read('test/golden/ossia-nano-checks.json'));
  assert.ok(cases.length > 0);
  for (const { id, prompt_text, prompt_ids, completion_text, completion_ids } of cases) {
    assert.deepEqual(nano.encodeWithSpecials(prompt_text), prompt_ids, id);
    assert.equal(nano.decode(prompt_ids), prompt_text, id);
    // A model may spell a word with other tokens than encoding would (`M`, `an`, `ila`), so ids are not compared here.
    assert.equal(nano.decode(completion_ids), completion_text, id);
    assert.equal(nano.decode(nano.encodeWithSpecials(completion_text)), completion_text, id);
  }
});

test('the vocabulary ends with the last added token', () => {
  assert.equal(nano.vocabSize, 1 + Math.max(...nano.specials.values()));
  assert.throws(() => nano.decode([nano.vocabSize]), { code: 'tokenizer/unknown-token' });
});

/** Merging as Hugging Face defines it, by text and quadratic: of all neighbours, the pair that the list has first. */
function mergeByList(parts: string[], placeOf: ReadonlyMap<string, number>): string[] {
  for (;;) {
    let best = -1;
    let bestPlace = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < parts.length; i++) {
      const place = placeOf.get(`${parts[i]} ${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (place < bestPlace) [best, bestPlace] = [i, place];
    }
    if (best < 0) return parts;
    parts = parts.toSpliced(best, 2, parts[best]! + parts[best + 1]!);
  }
}

/** GPT-2's table, from the order of its definition: visible Latin-1, then the other bytes. */
const visible = [...'!~', ...'¡¬', ...'®ÿ'].map((character) => character.codePointAt(0)!);
const isVisible = (byte: number) => [0, 2, 4].some((i) => byte >= visible[i]! && byte <= visible[i + 1]!);
const others = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !isVisible(byte));
const textOfByte = (byte: number) => String.fromCodePoint(isVisible(byte) ? byte : 0x100 + others.indexOf(byte));

test('merging by the rank of the joined token equals merging by the list', () => {
  const { vocab, merges } = nanoFile().model;
  const placeOf = new Map<string, number>(merges.map((pair: string[], place: number) => [pair.join(' '), place]));
  const byList = (text: string): number[] => {
    const bytes = Buffer.from(text);
    const ids: number[] = [];
    for (let start = 0, end = 0; start < bytes.length; start = end) {
      end = endOfPiece(bytes, start);
      ids.push(...mergeByList([...bytes.subarray(start, end)].map(textOfByte), placeOf).map((part) => vocab[part]));
    }
    return ids;
  };
  const tokens = Array.from({ length: 3063 }, (_, id) => nano.decode([id])).filter((text) => !text.includes('\ufffd'));
  const text = fc.array(fc.oneof(fc.constantFrom(...tokens), fc.constantFrom(...' aeinotrs\n-='), fc.string()), {
    maxLength: 9,
  });
  fc.assert(
    fc.property(text, (parts) => assert.deepEqual(nano.encode(parts.join('')), byList(parts.join('')))),
    { numRuns: 2000 },
  );
});

test('merges may be pairs or texts, and the file may be parsed already', () => {
  const file = nanoFile();
  file.model.merges = file.model.merges.map((pair: string[]) => pair.join(' '));
  const text = 'What is the weather in Bucharest? <|end|>\n\n  12345';
  assert.deepEqual(tokenizerFromJson(file).encode(text), nano.encode(text));
});

test('a token that no merge makes is taken as a whole piece only where ignore_merges says so', () => {
  const file = nanoFile();
  file.model.vocab.qzx = 3063;
  file.added_tokens = file.added_tokens.map((token: { id: number }) => ({ ...token, id: token.id + 1 }));
  assert.ok(!tokenizerFromJson(file).encode('qzx qzx').includes(3063));
  file.model.ignore_merges = true;
  const ids = tokenizerFromJson(file).encode('qzx qzx');
  assert.equal(ids[0], 3063);
  assert.ok(!ids.slice(1).includes(3063)); // ` qzx` is no token, and nothing merges to qzx inside it
});

test('control tokens that the vocabulary repeats are control tokens', () => {
  const file = nanoFile();
  for (const { content, id } of file.added_tokens) file.model.vocab[content] = id;
  const repeated = tokenizerFromJson(file);
  assert.deepEqual(repeated.encode('<|end|>'), nano.encode('<|end|>'));
  assert.deepEqual(repeated.encodeWithSpecials('<|end|>'), nano.encodeWithSpecials('<|end|>'));
});

test('a text that is both an ordinary and a control token is ordinary in text', () => {
  const file = nanoFile();
  file.added_tokens.push({ id: 3072, content: 'the', special: true });
  const colliding = tokenizerFromJson(file);
  assert.deepEqual(colliding.encode('the'), nano.encode('the'));
  assert.deepEqual(colliding.encodeWithSpecials('the'), [3072]);
});

test('where control tokens begin alike, the longest is taken', () => {
  const file = nanoFile();
  file.added_tokens.push({ id: 3072, content: '<|end|>>', special: true });
  assert.deepEqual(tokenizerFromJson(file).encodeWithSpecials('<|end|>><|end|>'), [3072, 3069]);
});

test('what users write never becomes a control token', () => {
  const controls = new Set(nano.specials.values());
  const text = fc.array(fc.constantFrom(...nano.specials.keys(), '<|', 'end', '|>', ' '), { maxLength: 9 });
  fc.assert(fc.property(text, (parts) => nano.encode(parts.join('')).every((id) => !controls.has(id))));
});

type Spoil = (file: ReturnType<typeof nanoFile>) => void;

const hostile: [what: string, spoil: Spoil][] = [
  ...['model', 'pre_tokenizer', 'added_tokens'].map((key): [string, Spoil] => [
    `no ${key}`,
    (file) => delete file[key],
  ]),
  ...['type', 'vocab', 'merges'].map((key): [string, Spoil] => [`no model.${key}`, (file) => delete file.model[key]]),
  ...[null, 7, 'text', []].map((value): [string, Spoil] => [
    `a vocabulary that is ${JSON.stringify(value)}`,
    (file) => {
      file.model.vocab = value;
    },
  ]),
  [
    'another model type',
    (file) => {
      file.model.type = 'Unigram';
    },
  ],
  [
    'a normaliser',
    (file) => {
      file.normalizer = { type: 'NFC' };
    },
  ],
  [
    'another pattern',
    (file) => {
      file.pre_tokenizer.pretokenizers[0].pattern.Regex = '\\s+';
    },
  ],
  [
    'a pattern that removes what it matches',
    (file) => {
      file.pre_tokenizer.pretokenizers[0].behavior = 'Removed';
    },
  ],
  [
    'a step more before tokens',
    (file) => {
      file.pre_tokenizer.pretokenizers.unshift({ type: 'Digits' });
    },
  ],
  [
    'a space put in front',
    (file) => {
      file.pre_tokenizer.pretokenizers[1].add_prefix_space = true;
    },
  ],
  [
    'an id twice',
    (file) => {
      file.model.vocab.in = 400;
    },
  ],
  [
    "a control token's id in the vocabulary",
    (file) => {
      file.model.vocab.qzx = 3063;
    },
  ],
  [
    'a gap below the control tokens',
    (file) => {
      file.added_tokens[0].id = 3072;
    },
  ],
  [
    'a gap above',
    (file) => {
      file.added_tokens.push({ id: 4000, content: '<|far|>' });
    },
  ],
  [
    'an id of 2^40',
    (file) => {
      file.model.vocab.in = 2 ** 40;
    },
  ],
  [
    'a negative id',
    (file) => {
      file.model.vocab.in = -1;
    },
  ],
  [
    'an id of a half',
    (file) => {
      file.model.vocab.in = 258.5;
    },
  ],
  [
    'an id that is a text',
    (file) => {
      file.model.vocab.in = '258';
    },
  ],
  [
    'a key that is no bytes',
    (file) => {
      replaceKey(file.model.vocab, 'in', 'in 中');
    },
  ],
  [
    'a key beyond the table',
    (file) => {
      replaceKey(file.model.vocab, 'in', 'inń');
    },
  ],
  [
    'an empty key',
    (file) => {
      replaceKey(file.model.vocab, 'in', '');
    },
  ],
  [
    'no token for a byte',
    (file) => {
      replaceKey(file.model.vocab, 'ÿ', 'qzx');
    },
  ],
  [
    'a merge to no token',
    (file) => {
      file.model.merges.push(['q', 'z']);
    },
  ],
  [
    'a merge of no tokens',
    (file) => {
      file.model.merges.push(['qzxv', 'w']);
    },
  ],
  [
    'a merge of an empty half',
    (file) => {
      file.model.merges.push(['', 'in']);
    },
  ],
  [
    'a merge of three',
    (file) => {
      file.model.merges.push(['i', 'n', 'g']);
    },
  ],
  [
    'a merge without a space',
    (file) => {
      file.model.merges.push('in');
    },
  ],
  [
    'a merge that is a number',
    (file) => {
      file.model.merges.push(5);
    },
  ],
  [
    'a merge of a megabyte',
    (file) => {
      file.model.merges.push(['i'.repeat(2 ** 20), 'n']);
    },
  ],
  [
    'an added token without a name',
    (file) => {
      file.added_tokens[0].content = '';
    },
  ],
  [
    'an added token without an id',
    (file) => {
      delete file.added_tokens[0].id;
    },
  ],
  [
    'an added token that is null',
    (file) => {
      file.added_tokens[0] = null;
    },
  ],
  [
    'an added id twice',
    (file) => {
      file.added_tokens[1].id = file.added_tokens[0].id;
    },
  ],
  [
    'an added name twice',
    (file) => {
      file.added_tokens[1].content = file.added_tokens[0].content;
    },
  ],
];

function replaceKey(vocab: Record<string, number>, from: string, to: string): void {
  const id = vocab[from]!;
  delete vocab[from];
  vocab[to] = id;
}

const isBadVocabulary = (error: unknown) => error instanceof OssiaError && error.code === 'tokenizer/bad-vocabulary';

for (const [what, spoil] of hostile) {
  test(`a tokenizer.json with ${what} is refused`, () => {
    const file = nanoFile();
    spoil(file);
    assert.throws(() => tokenizerFromJson(JSON.stringify(file)), isBadVocabulary);
  });
}

test('what comes twice is named in the message', () => {
  const spoilt: [message: RegExp, spoil: Spoil][] = [
    [/Id 258 is both "in" and "qzx"/, (file) => (file.model.vocab.qzx = 258)],
    [/Id 3064 is both "<\|endoftext\|>" and "qzx"/, (file) => (file.model.vocab.qzx = 3064)],
    [/Added token 3063 "<\|endoftext\|>" comes twice/, (file) => (file.added_tokens[1].id = 3063)],
    [/Added token 3064 "<\|startoftext\|>" comes twice/, (file) => (file.added_tokens[1].content = '<|startoftext|>')],
  ];
  for (const [message, spoil] of spoilt) {
    const file = nanoFile();
    spoil(file);
    assert.throws(() => tokenizerFromJson(file), { message });
  }
});

test('text that is no JSON, or JSON that is no object, is refused', () => {
  for (const text of ['', '{', 'null', '[]', '5', nanoText.slice(0, 5000)]) {
    assert.throws(() => tokenizerFromJson(text), isBadVocabulary);
  }
});

test('any value anywhere is refused with our own error or makes a tokeniser', () => {
  const paths = [
    'model',
    'added_tokens',
    'pre_tokenizer',
    'model.vocab',
    'model.merges',
    'added_tokens.0',
    'model.vocab.in',
    'model.merges.7',
  ];
  paths.push('pre_tokenizer.pretokenizers', 'pre_tokenizer.pretokenizers.0', 'pre_tokenizer.pretokenizers.0.pattern');
  fc.assert(
    fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
      const file = nanoFile();
      const keys = path.split('.');
      const last = keys.pop()!;
      keys.reduce((object, key) => object[key], file)[last] = value;
      try {
        tokenizerFromJson(file);
      } catch (error) {
        assert.ok(isBadVocabulary(error), String(error));
      }
    }),
    { numRuns: 300 },
  );
});
