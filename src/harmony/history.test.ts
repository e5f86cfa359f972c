import assert from 'node:assert/strict';
import { test } from 'node:test';
import { selectHistory } from './history.ts';
import type { Message } from './types.ts';

const user = (content: string): Message => ({ role: 'user', content });
const think = (content: string): Message => ({ role: 'assistant', channel: 'analysis', content });
const answer = (content: string): Message => ({ role: 'assistant', channel: 'final', content });
const call = (channel: string, recipient: string): Message => ({
  role: 'assistant',
  channel,
  recipient,
  content: '{}',
});
const result = (name: string, channel?: string): Message => ({
  role: 'tool',
  name,
  content: '1',
  ...(channel === undefined ? {} : { channel }),
});

const first = [user('a'), think('t1'), answer('A')];

test('per turn, thoughts of a finished turn are dropped even while a call of the next is pending', () => {
  const open = [user('b'), think('t2'), call('commentary', 'functions.f'), result('functions.f', 'commentary')];
  const kept = [user('a'), answer('A'), ...open];
  assert.deepEqual(selectHistory([...first, ...open], 'per-turn'), kept);
  assert.deepEqual(selectHistory([...first, ...open], 'official'), [...first, ...open]);
});

test('per turn, thoughts between the first and a later answer are dropped too', () => {
  const messages = [...first, user('b'), think('t2'), answer('B'), user('c')];
  assert.deepEqual(selectHistory(messages, 'per-turn'), [user('a'), answer('A'), user('b'), answer('B'), user('c')]);
});

test('per turn, a call that goes takes its result with it, and only its own', () => {
  const past = [user('a'), call('analysis', 'python'), result('python')];
  const stays = [call('commentary', 'functions.f'), result('functions.f', 'commentary'), answer('A'), user('b')];
  assert.deepEqual(selectHistory([...past, ...stays], 'per-turn'), [user('a'), ...stays]);
});

test('per turn, a result behind the next question answers no dropped call', () => {
  const stays = [user('b'), result('python'), answer('A')];
  assert.deepEqual(selectHistory([call('analysis', 'python'), ...stays], 'per-turn'), stays);
});

test('per turn, what a user wrote stays whatever its channel', () => {
  const odd: Message = { role: 'user', channel: 'analysis', content: 'odd' };
  assert.deepEqual(selectHistory([odd, ...first], 'per-turn'), [odd, user('a'), answer('A')]);
});

test('keep drops nothing', () => {
  assert.deepEqual(selectHistory(first, 'keep'), first);
});
