import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleCommands, matches } from './console-blocks.ts';

const fence = '```';

test('a console block gives its commands with continuations and outputs', () => {
  const markdown = `text\n${fence}console\n$ a \\\n  b\none\ntwo\n$ c\n${fence}\n${fence}sh\n$ not this\n${fence}\n`;
  assert.deepEqual(consoleCommands('x.md', markdown), [
    { file: 'x.md', line: 3, command: 'a \\\n  b', expected: 'one\ntwo' },
    { file: 'x.md', line: 7, command: 'c', expected: undefined },
  ]);
});

test('an ellipsis stands for anything, and nothing else does', () => {
  assert.ok(matches('a … (c)', 'a b\nb (c)\n'));
  assert.ok(!matches('a.c', 'abc'));
  assert.ok(!matches('a', 'ab'));
});
