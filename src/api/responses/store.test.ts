import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResponseObject } from './response.ts';
import { MemoryStore, type StoredResponse } from './store.ts';

function stored(id: string, text = ''): StoredResponse {
  const response = { id, output: [{ type: 'message', id: `msg_${id}` }] } as unknown as ResponseObject;
  return {
    response,
    input: [{ type: 'message', id: `in_${id}`, role: 'user', content: text }],
    exact: new Map(),
    modelName: 'm',
  };
}

test('memory keeps the latest responses, and forgets the items of the others', () => {
  const store = new MemoryStore({ maxResponses: 2 });
  for (const id of ['a', 'b', 'c']) store.insert(stored(id));
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => store.get(id)?.response.id),
    [undefined, 'b', 'c'],
  );
  assert.equal(store.item('msg_a'), undefined);
  assert.equal(store.item('in_c')?.item.id, 'in_c');
});

test('memory is bounded by what the responses hold, however few', () => {
  const store = new MemoryStore({ maxCharacters: 10_000 });
  for (const id of ['a', 'b', 'c']) store.insert(stored(id, 'x'.repeat(4000)));
  assert.deepEqual(
    ['a', 'b', 'c'].map((id) => store.get(id)?.response.id),
    [undefined, 'b', 'c'],
  );
  assert.equal(store.update(stored('b', 'x')), true);
  store.insert(stored('d', 'x'.repeat(4000)));
  assert.ok(store.get('b') && store.get('c') && store.get('d'), 'what shrank makes room');
});

test('a response that was deleted is not brought back by its end', () => {
  const store = new MemoryStore();
  store.insert(stored('a'));
  assert.equal(store.delete('a'), true);
  assert.equal(store.update(stored('a'), []), false);
  assert.equal(store.get('a'), undefined);
  assert.equal(store.events('a'), undefined);
});
