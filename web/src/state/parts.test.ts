import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConsoleEvent } from '../net/types.ts';
import { PartsFold } from './parts.ts';

const message = { type: 'message' } as unknown as ConsoleEvent;
const text = (delta: string, channel: 'final' | 'commentary' = 'final'): ConsoleEvent => ({
  type: 'text',
  delta,
  channel,
});
const call = { id: 'c1', name: 'write_file', tool: 'mcp:files', arguments: '{"a":1}' };

function folded(...events: readonly ConsoleEvent[]): PartsFold {
  const fold = new PartsFold();
  for (const [index, event] of events.entries()) fold.apply(event, index * 100);
  return fold;
}

test('thoughts have their length and their time, answers their text', () => {
  const token = { type: 'trace', channel: 'analysis' } as unknown as ConsoleEvent;
  const { parts } = folded(
    token,
    { type: 'reasoning', delta: 'a' },
    token,
    { type: 'reasoning', delta: 'b' },
    message,
    text('c'),
    text('d'),
  );
  assert.deepEqual(parts, [
    { type: 'reasoning', text: 'ab', ms: 200, tokens: 2 },
    { type: 'text', channel: 'final', text: 'cd' },
  ]);
});

test('text that is taken back is gone, that of messages before it is not', () => {
  const { parts } = folded(text('kept'), message, text('wrong'), { type: 'retract' }, text('right'));
  assert.deepEqual(
    parts.map((part) => part.type === 'text' && part.text),
    ['kept', 'right'],
  );
});

test('a call is one card from its first letter to its result', () => {
  const fold = folded({ type: 'tool_call_delta', id: 'c1', name: 'write_file', delta: '{"a"' });
  const statuses: string[] = [];
  const events: readonly ConsoleEvent[] = [
    { type: 'tool_call', status: 'complete', id: 'c1', name: 'write_file', arguments: '{"a":1}' },
    { type: 'approval', call },
    { type: 'tool_start', call },
    { type: 'tool_progress', id: 'c1', text: '50 %' },
    { type: 'tool_end', call, result: { text: 'ok' }, durationMs: 7 },
  ];
  for (const event of events) {
    fold.apply(event, 0);
    const [part] = fold.parts;
    if (part?.type === 'tool') statuses.push(part.status);
  }
  assert.deepEqual(statuses, ['writing', 'asks', 'running', 'running', 'done']);
  assert.deepEqual(fold.parts, [
    {
      type: 'tool',
      id: 'c1',
      name: 'write_file',
      tool: 'mcp:files',
      arguments: '{"a":1}',
      status: 'done',
      progress: '50 %',
      result: { text: 'ok' },
      ms: 7,
    },
  ]);
});

test('what was under way when the turn ended is broken off, and calls that nobody runs are the caller’s', () => {
  const fold = folded(
    { type: 'tool_start', call },
    { type: 'tool_call', status: 'complete', id: 'c2', name: 'mine', arguments: '{}' },
  );
  fold.finish();
  assert.deepEqual(
    fold.parts.map((part) => part.type === 'tool' && part.status),
    ['broken-off', 'yours'],
  );
});

test('refused and failed calls say so', () => {
  const { parts } = folded(
    { type: 'tool_end', call, result: { text: 'no' }, refused: true, durationMs: 0 },
    { type: 'tool_end', call: { ...call, id: 'c2' }, result: { text: 'no', isError: true }, durationMs: 0 },
  );
  assert.deepEqual(
    parts.map((part) => part.type === 'tool' && part.status),
    ['refused', 'failed'],
  );
});
