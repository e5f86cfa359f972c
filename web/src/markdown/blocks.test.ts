import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Block, BlockSplitter, blocksOf } from './blocks.ts';

const shape = (text: string) => blocksOf(text).map(({ kind, source }) => `${kind}: ${source.trim()}`);

test('paragraphs, headings, code, tables and formulas are blocks of their own', () => {
  const text =
    '# Title\nA line\nand another\n\n```ts\nlet a;\n\nlet b;\n```\n| a | b |\n|---|---|\n| 1 | 2 |\nText\n$$\nx^2\n$$\n\\[ y \\]\nEnd';
  assert.deepEqual(shape(text), [
    'text: # Title',
    'text: A line\nand another',
    'code: let a;\n\nlet b;',
    'table: | a | b |\n|---|---|\n| 1 | 2 |',
    'text: Text',
    'math: x^2',
    'math: y',
    'text: End',
  ]);
});

test('a list stays whole across blank lines, its paragraphs and its code', () => {
  const list = '1. One\n\n   more of one\n\n   ```sh\n   ls\n\n   # no heading\n   ```\n2. Two';
  assert.deepEqual(shape(`${list}\n\nAfter it`), [`text: ${list}`, 'text: After it']);
});

test('a fence of four closes with four, and one that never closes stays open', () => {
  const splitter = new BlockSplitter();
  splitter.push('````md\n```\ninner\n```\n');
  assert.deepEqual(splitter.done, []);
  assert.deepEqual(splitter.tail, [{ kind: 'code', source: '```\ninner\n```\n', info: 'md' }]);
  splitter.push('````\nafter');
  assert.deepEqual(
    splitter.done.map(({ kind }) => kind),
    ['code'],
  );
  assert.deepEqual(splitter.tail, [{ kind: 'text', source: 'after\n', info: '' }]);
});

test('two dollars inside a sentence begin no block, and a formula that does not end becomes text', () => {
  assert.deepEqual(shape('$$ a $$ and more'), ['text: $$ a $$ and more']);
  const [first] = blocksOf(`$$\n${'never ends\n'.repeat(1000)}`);
  assert.equal(first?.kind, 'text');
  assert.ok(first.source.startsWith('$$'));
});

test('long lists and lines without an end are cut, so that what is parsed again stays short', () => {
  const items = blocksOf(Array.from({ length: 2000 }, (_, index) => `${index + 1}. item`).join('\n'));
  assert.ok(items.length > 3);
  for (const { source } of items) assert.ok(source.length < 5000);
  for (const { source } of blocksOf('word '.repeat(20_000))) assert.ok(source.length < 5000);
  for (const { source } of blocksOf('x'.repeat(50_000))) assert.ok(source.length < 5000);
});

const piece = fc.constantFrom(
  'a',
  ' ',
  '\n',
  '\n\n',
  '```',
  '```js\n',
  '- ',
  '1. ',
  '| a |',
  '|---|',
  '$$',
  '\\[',
  '\\]',
  '#',
  '> ',
  '~~~',
  '  ',
  '【1†L2】',
);

test('however the text is cut on its way, the blocks are the same, and no letter is lost', () => {
  const done = (text: string, cuts: readonly number[]): readonly Block[] => {
    const splitter = new BlockSplitter();
    let at = 0;
    for (const cut of [...cuts].map((cut) => cut % (text.length + 1)).sort((a, b) => a - b)) {
      splitter.push(text.slice(at, cut));
      at = cut;
    }
    splitter.push(text.slice(at));
    return [...splitter.done, ...splitter.tail];
  };
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 12 }), (pieces, cuts) => {
      const text = pieces.join('');
      const blocks = blocksOf(text);
      assert.deepEqual(done(text, cuts), blocks);
      const letters = (some: string) => some.replace(/[^a]/g, '');
      assert.equal(letters(blocks.map(({ source, info }) => info + source).join('')), letters(text));
    }),
    { numRuns: 2000 },
  );
});
