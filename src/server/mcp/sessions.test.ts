import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sessions } from './sessions.ts';

test('a session finds its running calls by their ids, and only while they run', () => {
  const session = new Sessions().begin('alice');
  const stopped: unknown[] = [];
  const over = session.enter(1, () => stopped.push(1));
  session.enter('1', () => stopped.push('1'));
  session.cancel('1');
  assert.deepEqual(stopped, ['1'], 'a number is no text');
  over();
  for (const id of [1, undefined, null, {}, 'none']) session.cancel(id);
  assert.deepEqual(stopped, ['1']);
});

test('there are a thousand at most: what has been idle for longest is forgotten, what runs is not', () => {
  const sessions = new Sessions();
  const first = sessions.begin('alice');
  const second = sessions.begin('alice');
  const third = sessions.begin('alice');
  let stops = 0;
  first.enter(1, () => stops++);
  for (let i = 3; i < 1000; i++) sessions.begin('bob');
  assert.equal(sessions.find(second.id, 'bob'), undefined, 'of another');
  assert.equal(sessions.find(second.id, 'alice'), second);
  sessions.begin('bob');
  assert.equal(sessions.find(third.id, 'alice'), undefined);
  assert.deepEqual([sessions.find(first.id, 'alice'), sessions.find(second.id, 'alice')], [first, second]);
  sessions.end(first);
  assert.deepEqual([stops, sessions.find(first.id, 'alice')], [1, undefined]);
});
