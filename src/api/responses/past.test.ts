import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../harmony/index.ts';
import { o200kHarmony } from '../../tokenizer/index.ts';
import type { InputItem } from './items.ts';
import { forModel, recall } from './past.ts';
import type { ResponseObject } from './response.ts';
import { SealedThoughts } from './sealed-thoughts.ts';
import { MemoryStore } from './store.ts';

const tokenizer = o200kHarmony();
const model = { name: 'm', tokenizer };
const sampled = tokenizer.encodeWithSpecials('<|channel|>analysis<|message|>I think.<|end|>');
const exact: Message = { role: 'assistant', channel: 'analysis', content: 'I think.', sampled };
const id = `rs_${'0'.repeat(48)}`;
const item = { type: 'reasoning', id, content: [{ type: 'reasoning_text', text: 'I think.' }] };

test('ids are for the model that wrote them, the words for every other', () => {
  assert.deepEqual(forModel({ item, exact, modelName: 'm' }, model), { item, exact });
  const { sampled: _, ...words } = exact;
  assert.deepEqual(forModel({ item, exact, modelName: 'other' }, model), { item, exact: words });
});

test('ids that no longer say what they said are dropped: the model was replaced', () => {
  const { sampled: _, ...words } = exact;
  for (const ids of [
    [sampled[0]!, 5, 6, 7],
    [...sampled, tokenizer.vocabSize + 9],
  ]) {
    assert.deepEqual(forModel({ item, exact: { ...exact, sampled: ids }, modelName: 'm' }, model), {
      item,
      exact: words,
    });
  }
});

function storeWith(kept: InputItem): MemoryStore {
  const store = new MemoryStore();
  const response = { id: 'resp_1', output: [kept] } as unknown as ResponseObject;
  store.insert({ response, input: [], exact: new Map([[kept.id, exact]]), modelName: 'm' });
  return store;
}

const thoughts = new SealedThoughts(new Uint8Array(32));

test('an item that comes back unchanged is what the model wrote, a changed one what the client says', () => {
  const store = storeWith(item);
  const changed = { ...item, content: [{ type: 'reasoning_text', text: 'I never thought.' }] };
  const bare = { type: 'reasoning', id, summary: [] };
  const of = (sent: InputItem) => recall([sent], { store, thoughts }, model)[0]?.exact;
  assert.deepEqual(of(item), exact);
  assert.deepEqual(of(bare), exact, 'only its id was sent');
  assert.equal(of(changed), undefined);
  assert.deepEqual(of({ type: 'item_reference', id }), exact);
});

test('a sealed thought is opened for the model that thought it, and by the key that sealed it', () => {
  const store = new MemoryStore();
  const sealed = thoughts.seal('m', sampled);
  const sent = { type: 'reasoning', id: 'rs_9', summary: [], encrypted_content: sealed };
  assert.deepEqual(recall([sent], { store, thoughts }, model)[0]?.exact?.sampled, sampled);
  assert.equal(recall([sent], { store, thoughts }, { ...model, name: 'other' })[0]?.exact, undefined);
  const strangers = new SealedThoughts(new Uint8Array(32).fill(1));
  assert.equal(recall([sent], { store, thoughts: strangers }, model)[0]?.exact, undefined);
});
