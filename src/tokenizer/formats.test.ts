import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { type GgufVocabulary, tokenizerFromGguf } from './from-gguf.ts';
import { tokenizerFromJson } from './from-json.ts';
import { tokenizerFromTiktoken } from './from-tiktoken.ts';
import { O200K_SIZE } from './harmony-specials.ts';
import { o200kHarmony } from './o200k.ts';
import type { Tokenizer } from './tokenizer.ts';

const o200k = o200kHarmony();
const isBadVocabulary = (error: unknown) => error instanceof OssiaError && error.code === 'tokenizer/bad-vocabulary';

/** The tokens as byte-level text, and every split of each into two tokens, as Hugging Face's conversion lists them. */
function byteLevelO200k(): { tokens: string[]; merges: string[] } {
  const visible = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte !== 173);
  const hidden = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !visible(byte));
  const unit = Array.from({ length: 256 }, (_, b) => String.fromCharCode(visible(b) ? b : 256 + hidden.indexOf(b)));
  const tokens: string[] = [];
  for (let id = 0; id < O200K_SIZE; id++) tokens.push(Array.from(o200k.tokenBytes(id), (byte) => unit[byte]).join(''));
  const known = new Set(tokens);
  const merges = tokens.flatMap((token) => {
    const splits: string[] = [];
    for (let at = 1; at < token.length; at++) {
      const [left, right] = [token.slice(0, at), token.slice(at)];
      if (known.has(left) && known.has(right)) splits.push(`${left} ${right}`);
    }
    return splits;
  });
  return { tokens, merges };
}

const { tokens, merges } = byteLevelO200k();
const named = [...o200k.specials].filter(([name, id]) => id < 200_018 || name === '<|endofprompt|>');

const sample =
  readFileSync(import.meta.filename, 'utf8') + " I'm 12345 — naïve: 中文, हिन्दी, <|end|> 👩‍👧\u0085 x \n\n".repeat(7);

function assertSame(tokenizer: Tokenizer): void {
  assert.deepEqual(tokenizer.encode(sample), o200k.encode(sample));
  assert.deepEqual(tokenizer.encodeWithSpecials(sample), o200k.encodeWithSpecials(sample));
  assert.equal(tokenizer.decode(o200k.encode(sample)), sample);
  assert.equal(tokenizer.decode([200_006, 200_500, 201_087]), '<|start|><|reserved_200500|><|reserved_201087|>');
  assert.equal(tokenizer.vocabSize, o200k.vocabSize);
}

test("gpt-oss's tokenizer.json, which names 21 control tokens, makes o200k_harmony", () => {
  assert.equal(merges.length, 446_189); // as many as the published file has
  const file = JSON.parse(readFileSync(new URL('../../models/ossia-nano/tokenizer.json', import.meta.url), 'utf8'));
  file.model.vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
  file.model.merges = merges.map((merge) => merge.split(' '));
  file.added_tokens = named.map(([content, id]) => ({ id, content, special: true }));
  for (const ignoreMerges of [true, false]) {
    file.model.ignore_merges = ignoreMerges;
    assertSame(tokenizerFromJson(file));
  }
  assert.equal(tokenizerFromJson(file).decode([200_018]), '<|endofprompt|>');
});

/** As llama.cpp's converter fills up to the logits (`unused`), or as Ollama's does (`user-defined`, counted from 0). */
function gguf(dialect: 'llama.cpp' | 'ollama'): GgufVocabulary {
  const all = [...tokens];
  const tokenTypes = new Int32Array(201_088).fill(dialect === 'ollama' ? 4 : 5);
  tokenTypes.fill(1, 0, O200K_SIZE).fill(3, O200K_SIZE, 200_019);
  for (const [name, id] of named) all[id] = name;
  for (let id = 200_019; id < 201_088; id++) all.push(`[PAD${dialect === 'ollama' ? id - 200_019 : id}]`);
  return { tokens: all, tokenTypes, merges, ...(dialect === 'ollama' ? {} : { pre: 'gpt-4o' }) };
}

for (const dialect of ['llama.cpp', 'ollama'] as const) {
  test(`the metadata of a GGUF file of ${dialect} make o200k_harmony`, () => {
    const tokenizer = tokenizerFromGguf(gguf(dialect));
    assertSame(tokenizer);
    assert.deepEqual(tokenizer.encodeWithSpecials('[PAD7] [PAD200500]'), o200k.encode('[PAD7] [PAD200500]'));
  });
}

test('GGUF metadata that do not fit together are refused', () => {
  const small: GgufVocabulary = { tokens: tokens.slice(0, 300), tokenTypes: new Int32Array(300).fill(1), merges: [] };
  assert.equal(tokenizerFromGguf({ ...small, pre: 'default' }).vocabSize, 300);
  const spoilt: Record<string, Partial<Record<keyof GgufVocabulary, unknown>>> = {
    'another pattern': { pre: 'llama-bpe' },
    'no tokens': { tokens: undefined },
    'fewer types than tokens': { tokenTypes: [1, 1] },
    'no types': { tokenTypes: undefined },
    'no merges': { merges: undefined },
    'a merge of strangers': { merges: ['a', 'b c d'] },
    'a token that is a number': { tokens: [5, ...tokens.slice(1, 300)] },
    'an empty token': { tokens: ['', ...tokens.slice(1, 300)] },
    'a token twice': { tokens: [...tokens.slice(0, 299), tokens[0]] },
    'bytes without tokens': { tokenTypes: new Int32Array(300).fill(3) },
    'two control tokens of one name': {
      tokens: [...tokens.slice(0, 298), 'x', 'x'],
      tokenTypes: [...new Array(298).fill(1), 3, 3],
    },
  };
  for (const [what, fields] of Object.entries(spoilt)) {
    assert.throws(() => tokenizerFromGguf({ ...small, ...fields } as GgufVocabulary), isBadVocabulary, what);
  }
});

const ranksFile = tokens.map((_, id) => `${Buffer.from(o200k.tokenBytes(id)).toString('base64')} ${id}\n`).join('');

test('o200k_base.tiktoken makes o200k_harmony', () => {
  const published = '446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d';
  assert.equal(createHash('sha256').update(ranksFile).digest('hex'), published);
  assertSame(tokenizerFromTiktoken(Buffer.from(ranksFile)));
});

test('a ranks file may have control tokens of its own, in any place after its ranks', () => {
  const lines = ranksFile.split('\n').slice(0, 300);
  const shuffled = `${[...lines].reverse().join('\r\n')}\r\n`;
  const tokenizer = tokenizerFromTiktoken(Buffer.from(shuffled), { '<|start|>': 317 });
  assert.deepEqual(tokenizer.encodeWithSpecials('<|start|>in'), [317, ...tokenizer.encode('in')]);
  assert.equal(tokenizer.encode('in').length, 1);
  assert.throws(() => tokenizer.decode([305]), { code: 'tokenizer/unknown-token' });
  assert.equal(tokenizerFromTiktoken(Buffer.from(shuffled)).specials.size, 0);
});

test('ranks files that are none are refused', () => {
  const lines = ranksFile.split('\n').slice(0, 300);
  const spoilt: Record<string, string[]> = {
    nothing: [],
    'no rank': [...lines.slice(0, 299), 'IQ=='],
    'no base64': [...lines.slice(0, 299), '!!! 299'],
    'an empty token': [...lines.slice(0, 299), ' 299'],
    'a rank twice': [...lines.slice(0, 299), 'YWJj 298'],
    'a gap': [...lines.slice(0, 299), 'YWJj 300'],
    'a huge rank': [...lines.slice(0, 299), 'YWJj 99999999999999999999'],
    'a token twice': [...lines.slice(0, 299), 'IQ== 299'],
    'a byte without a token': ['YWJj 0', ...lines.slice(1)],
  };
  for (const [what, spoiltLines] of Object.entries(spoilt)) {
    assert.throws(() => tokenizerFromTiktoken(Buffer.from(spoiltLines.join('\n'))), isBadVocabulary, what);
  }
  for (const specials of [{ '': 300 }, { '<|start|>': 299 }, { '<|start|>': 300.5 }]) {
    assert.throws(() => tokenizerFromTiktoken(Buffer.from(lines.join('\n')), specials), isBadVocabulary);
  }
});
