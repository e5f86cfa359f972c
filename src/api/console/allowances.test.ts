import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Allowances } from './allowances.ts';

const call = (tool: string, name: string) => ({ id: 'call_1', tool, name, arguments: '{}' });

test('a function is allowed in its conversation and nowhere else, until that is over', () => {
  const allowances = new Allowances();
  allowances.add('a', call('mcp:files', 'read'));
  assert.ok(allowances.has('a', { ...call('mcp:files', 'read'), arguments: '{"path":"x"}' }));
  for (const [conversation, tool, name] of [
    ['b', 'mcp:files', 'read'],
    ['a', 'mcp:files', 'write'],
    ['a', 'mcp:other', 'read'],
  ] as const) {
    assert.ok(!allowances.has(conversation, call(tool, name)));
  }
  allowances.forget('a');
  assert.ok(!allowances.has('a', call('mcp:files', 'read')));
});

test('the oldest conversations and functions are asked again before memory grows', () => {
  const allowances = new Allowances();
  for (let i = 0; i < 1000; i++) allowances.add(`c${i}`, call('t', 'f'));
  allowances.add('c0', call('t', 'g')); // is now the newest
  allowances.add('c1000', call('t', 'f'));
  assert.ok(allowances.has('c0', call('t', 'f')) && !allowances.has('c1', call('t', 'f')));
  for (let i = 0; i < 256; i++) allowances.add('c0', call('t', `f${i}`));
  assert.ok(!allowances.has('c0', call('t', 'f')) && allowances.has('c0', call('t', 'f255')));
});
