import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnMemory } from './turn-memory.ts';
import type { AssistantMessage, ChatMessage } from './types.ts';

const turn = (id: string, more: Partial<AssistantMessage> = {}): AssistantMessage => ({
  role: 'assistant',
  reasoning: 'The tool knows.',
  content: 'One moment.\n\nI look.',
  toolCalls: [{ id, name: 'weather', arguments: '{"city": "Oslo", "days": 1.0}' }],
  harmony: [{ role: 'assistant', channel: 'analysis', content: 'The tool knows.', sampled: [1, 2, 3] }],
  ...more,
});

/** What a client sends back of a turn. */
const sentBack = (id: string, more: Partial<AssistantMessage> = {}): ChatMessage => {
  const { harmony: _, reasoning: _r, ...kept } = turn(id);
  return { ...kept, ...more };
};

const restoredBy = (memory: TurnMemory, message: ChatMessage, model = 'm') => memory.restore(model, [message])[0];

test('thoughts that a client dropped come back with the call they led to', () => {
  const memory = new TurnMemory();
  memory.remember('m', [turn('a')]);
  const history: ChatMessage[] = [
    { role: 'user', content: '?' },
    sentBack('a'),
    { role: 'tool', toolCallId: 'a', content: 'rain' },
  ];
  assert.deepEqual(memory.restore('m', history), [history[0], turn('a'), history[2]]);
});

test('however a client writes the turn, it is the same turn', () => {
  const memory = new TurnMemory();
  memory.remember('m', [turn('a')]);
  const call = turn('a').toolCalls![0]!;
  for (const more of [
    { toolCalls: [{ ...call, arguments: '{"city":"Oslo","days":1}' }] },
    { content: '' },
    { content: 'One moment. I look.\n' },
    { reasoning: '' },
    { reasoning: 'The tool  knows.' },
  ]) {
    assert.deepEqual(restoredBy(memory, sentBack('a', more)), turn('a'), JSON.stringify(more));
  }
});

test('what a client changed stays as the client has it', () => {
  const memory = new TurnMemory();
  memory.remember('m', [turn('a'), turn('c', { toolCalls: [{ id: 'c', name: 'f', arguments: 'no JSON' }] })]);
  const call = turn('a').toolCalls![0]!;
  const changed: [string, ChatMessage][] = [
    ['m', sentBack('a', { toolCalls: [{ ...call, arguments: '{"city":"Rome"}' }] })],
    ['m', sentBack('a', { toolCalls: [{ ...call, name: 'clock' }] })],
    ['m', sentBack('a', { toolCalls: [call, { ...call, id: 'b' }] })],
    ['m', sentBack('a', { content: 'Redacted.' })],
    ['m', sentBack('a', { reasoning: 'Otherwise.' })],
    ['m', sentBack('b')],
    ['other', sentBack('a')],
    ['m', sentBack('c', { toolCalls: [{ id: 'c', name: 'f', arguments: 'no  JSON' }] })],
    ['m', { role: 'assistant', content: 'One moment.' }],
    ['m', { role: 'user', content: 'a' }],
  ];
  for (const [model, message] of changed) {
    assert.equal(restoredBy(memory, message, model), message, JSON.stringify(message));
  }
});

test("a turn in the model's own tokens is not replaced", () => {
  const memory = new TurnMemory();
  memory.remember('m', [turn('a')]);
  const own = turn('a', { harmony: [] });
  assert.equal(restoredBy(memory, own), own);
});

test('turns without calls are not remembered', () => {
  const memory = new TurnMemory();
  const { toolCalls: _, ...answer } = turn('a');
  const { harmony: _h, ...foreign } = turn('a');
  memory.remember('m', [answer, turn('a', { toolCalls: [] }), foreign]);
  assert.equal(memory.size, 0);
});

test('of too many turns the least recently used are forgotten', () => {
  const memory = new TurnMemory({ maxTurns: 2 });
  memory.remember('m', [turn('a')]);
  memory.remember('m', [turn('b')]);
  assert.deepEqual(restoredBy(memory, sentBack('a')), turn('a'));
  memory.remember('m', [turn('c')]);
  assert.equal(memory.size, 2);
  assert.deepEqual(restoredBy(memory, sentBack('a')), turn('a'));
  assert.deepEqual(restoredBy(memory, sentBack('b')), sentBack('b'));
});

test('memory is bounded by characters, and forgetting gives them back', () => {
  const long = (id: string) => turn(id, { reasoning: 'x'.repeat(1000) });
  const memory = new TurnMemory({ maxCharacters: 10_000 });
  for (let i = 0; i < 100; i++) memory.remember('m', [long(`call_${i}`)]);
  assert.ok(memory.size >= 6 && memory.size <= 9, String(memory.size));
  assert.deepEqual(restoredBy(memory, sentBack('call_99')), long('call_99'));
  for (let i = 0; i < 100; i++) memory.remember('m', [long('same')]);
  assert.ok(memory.size >= 6, 'a turn that is remembered again counts once');
  const before = memory.size;
  memory.remember('m', [turn('huge', { reasoning: 'x'.repeat(20_000) })]);
  assert.equal(memory.size, before, 'what is larger than all of it drives nothing out');
});
