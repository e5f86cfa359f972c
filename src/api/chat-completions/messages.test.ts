import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validate } from '../validate.ts';
import { toMessages } from './messages.ts';
import { chatCompletionRequest } from './schema.ts';

const read = (...messages: object[]) => toMessages(validate(chatCompletionRequest, { messages }).messages);
const call = { id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a": 1}' } };

test('instructions and questions keep their roles; parts are lines', () => {
  const parts = [
    { type: 'text', text: 'One' },
    { type: 'text', text: 'two' },
  ];
  assert.deepEqual(
    read(
      { role: 'system', content: parts },
      { role: 'developer', content: 'B' },
      { role: 'user', content: '', name: 'ann' },
    ),
    [
      { role: 'system', content: 'One\ntwo' },
      { role: 'developer', content: 'B' },
      { role: 'user', content: '' },
    ],
  );
});

test('an assistant has text, thoughts and calls, and none of them where there are none', () => {
  assert.deepEqual(read({ role: 'assistant' }, { role: 'assistant', content: null, reasoning: '', tool_calls: [] }), [
    { role: 'assistant' },
    { role: 'assistant' },
  ]);
  assert.deepEqual(
    read({ role: 'assistant', content: 'Hm.', reasoning: 'R', reasoning_content: 'R', tool_calls: [call] }),
    [
      {
        role: 'assistant',
        content: 'Hm.',
        reasoning: 'R',
        toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"a": 1}' }],
      },
    ],
  );
  const refused = [{ type: 'refusal', refusal: 'No.' }];
  for (const said of [{ refusal: 'No.' }, { content: refused }]) {
    assert.deepEqual(read({ role: 'assistant', ...said }), [{ role: 'assistant', content: 'No.' }]);
  }
});

test('calls are read in every form that clients have for them', () => {
  const [message] = read({
    role: 'assistant',
    tool_calls: [
      { type: 'function', function: { name: 'f', arguments: { a: 1 } } },
      { id: 'b', function: { name: 'g' } },
      { id: 'c', type: 'custom', custom: { name: 'patch', input: 'x\n' } },
    ],
  });
  assert.deepEqual(message, {
    role: 'assistant',
    toolCalls: [
      { id: 'messages[0].tool_calls[0]', name: 'f', arguments: '{"a":1}' },
      { id: 'b', name: 'g', arguments: '' },
      { id: 'c', name: 'patch', arguments: 'x\n' },
    ],
  });
  const legacy = read({ role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } });
  assert.deepEqual(legacy, [
    { role: 'assistant', toolCalls: [{ id: 'messages[0].function_call', name: 'f', arguments: '{}' }] },
  ]);
});

test('a result names its call by id, by name, or not at all', () => {
  assert.deepEqual(
    read(
      { role: 'tool', tool_call_id: 'call_1', name: 'f', content: [{ type: 'text', text: 'x' }] },
      { role: 'tool', tool_call_id: '', name: 'f', content: 'x' },
      { role: 'tool', content: 'x' },
      { role: 'function', name: 'f', content: null },
    ),
    [
      { role: 'tool', content: 'x', toolCallId: 'call_1' },
      { role: 'tool', content: 'x', name: 'f' },
      { role: 'tool', content: 'x' },
      { role: 'tool', content: '', name: 'f' },
    ],
  );
});

test('what a text model cannot read is refused with its place', () => {
  for (const type of ['image_url', 'input_audio', 'file', 'video_url']) {
    const content = [{ type: 'text', text: 'Look:' }, { type }];
    assert.throws(() => read({ role: 'user', content: 'Hi' }, { role: 'user', content }), {
      code: 'api/bad-request',
      message: new RegExp(`^messages\\[1\\]\\.content\\[1\\]: .*text only.*${type}`),
    });
  }
  assert.throws(() => read({ role: 'user', content: [{ type: 'text' }] }), /messages\[0\]\.content\[0\]\.text/);
});
