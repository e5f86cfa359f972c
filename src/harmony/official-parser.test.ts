import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { messageToJson } from './conversation-json.ts';
import { OfficialParser, parse } from './official-parser.ts';
import type { Role } from './types.ts';

const tokenizer = o200kHarmony();

interface Case {
  id: string;
  tokens: number[];
  role: Role | null;
  strict: boolean;
}

function casesOf<T>(name: string): (Case & T)[] {
  const path = new URL(`../../test/golden/harmony/${name}.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { cases: (Case & T)[] }).cases;
}

const optionsOf = ({ role, strict }: Case) => ({ strict, ...(role === null ? {} : { role }) });

for (const item of casesOf<{ expected: { messages?: object[]; error?: string } }>('parse')) {
  test(`reads ${item.id} as the official parser does`, () => {
    const run = () => parse(item.tokens, tokenizer, optionsOf(item)).map(messageToJson);
    const { messages, error } = item.expected;
    if (error === undefined) assert.deepEqual(run(), messages);
    else assert.throws(run, (thrown: OssiaError) => thrown.code === 'harmony/parse' && thrown.message === error);
  });
}

interface Expected {
  headers: { from: number; messages: number; [field: string]: unknown }[];
  deltas: (string | null)[];
  content_at_end: string;
  error: { at: number | 'eos'; message: string } | null;
  messages: object[];
}

for (const item of casesOf<{ eos: boolean; expected: Expected }>('stream')) {
  test(`streams ${item.id} as the official parser does`, () => {
    const parser = new OfficialParser(tokenizer, optionsOf(item));
    const headers: Expected['headers'] = [];
    const deltas: (string | null)[] = [];
    let error: Expected['error'] = null;
    const attempt = (at: number | 'eos', step: () => void) => {
      try {
        step();
      } catch (thrown) {
        assert.ok(thrown instanceof OssiaError);
        error = { at, message: thrown.message };
      }
    };
    const note = (from: number) => {
      const { state, role = null, channel = null, recipient = null, contentType = null } = parser;
      const row = { state, role, channel, recipient, content_type: contentType, messages: parser.messages.length };
      const { from: _, ...last } = headers.at(-1) ?? { from: 0, messages: -1 };
      if (JSON.stringify(last) !== JSON.stringify(row)) headers.push({ from, ...row });
    };
    for (const [at, id] of item.tokens.entries()) {
      attempt(at, () => parser.process(id));
      if (error) break;
      deltas.push(parser.delta);
      note(at);
    }
    const contentAtEnd = parser.content;
    if (item.eos && !error) attempt('eos', () => parser.eos());
    const actual = {
      headers,
      deltas,
      content_at_end: contentAtEnd,
      error,
      messages: parser.messages.map(messageToJson),
    };
    assert.deepEqual(actual, item.expected);
  });
}

test('a header that ends inside a character does not decode', () => {
  const half = tokenizer.encode('🪼').slice(0, 1);
  const message = tokenizer.specials.get('<|message|>')!;
  const run = () =>
    parse([...tokenizer.encodeWithSpecials('<|channel|>final'), ...half, message], tokenizer, { role: 'assistant' });
  assert.throws(run, (error: OssiaError) => error.message === 'could not decode header');
});

test('not strict, a later header without a message is dropped, even when it ends inside a character', () => {
  const half = tokenizer.encode('🪼').slice(0, 1);
  const ids = [
    ...tokenizer.encodeWithSpecials('<|channel|>final<|message|>A<|end|><|start|>assistant'),
    ...half,
    ...tokenizer.encodeWithSpecials('<|end|><|start|>assistant<|message|>B<|end|>'),
  ];
  const messages = parse(ids, tokenizer, { role: 'assistant', strict: false });
  assert.deepEqual(
    messages.map(({ content }) => content),
    ['A', 'B'],
  );
});
