import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { conversationFromJson, renderOptionsFromJson } from './conversation-json.ts';
import { member, parseJson, toPlainJson } from './json.ts';
import { render, renderText } from './render.ts';

const golden = parseJson(readFileSync(new URL('../../test/golden/harmony/render.json', import.meta.url), 'utf8'));
const tokenizer = o200kHarmony();
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface Expected {
  error?: string;
  text?: string;
  tokens?: number[];
  text_sha256?: string;
  tokens_count?: number;
  tokens_sha256?: string;
}

for (const item of member(golden, 'cases') as unknown[]) {
  test(`renders ${member(item, 'id')} byte for byte`, () => {
    const expected = toPlainJson(member(item, 'expected')) as Expected;
    const run = <T>(renderer: typeof render | typeof renderText) =>
      renderer(
        conversationFromJson(member(item, 'conversation')),
        tokenizer,
        renderOptionsFromJson(member(item, 'options')),
      ) as T;
    if (expected.error !== undefined) {
      assert.throws(() => run(render), OssiaError);
      return;
    }
    const ids = run<number[]>(render);
    const text = run<string>(renderText);
    if (expected.tokens === undefined) {
      assert.equal(sha256(text), expected.text_sha256);
      assert.equal(ids.length, expected.tokens_count);
      assert.equal(sha256(ids.join(',')), expected.tokens_sha256);
    } else {
      assert.equal(text, expected.text);
      assert.deepEqual(ids, expected.tokens);
    }
  });
}
