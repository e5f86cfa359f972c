import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssistantMessage, ChatMessage } from '../../chat/index.ts';
import { argumentsObject, canonicalArguments } from './arguments.ts';
import { CallMemory } from './call-memory.ts';
import { toHistory } from './messages.ts';
import { messageSchema } from './schema.ts';

const question: ChatMessage = { role: 'user', content: 'Weather?' };
const turn = (id: string, args = '{"city": "Paris", "days": 2}'): AssistantMessage => ({
  role: 'assistant',
  content: 'Let me see.',
  reasoning: 'Need the weather.',
  toolCalls: [{ id, name: 'get_weather', arguments: args }],
});
/** As a client sends it back. */
const sent = (args: object = { days: 2, city: 'Paris' }, content = 'Let me see.') =>
  messageSchema.parse({
    role: 'assistant',
    content,
    tool_calls: [{ function: { name: 'get_weather', arguments: args } }],
  });
const asked = messageSchema.parse({ role: 'user', content: 'Weather?' });
const back = messageSchema.parse({ role: 'tool', content: 'sunny' });
const idsOf = (history: readonly ChatMessage[]) =>
  history.flatMap((message) => (message.role === 'assistant' ? (message.toolCalls ?? []).map(({ id }) => id) : []));

test('a call that comes back gets its id and its own text again, whatever the order of its keys', () => {
  const memory = new CallMemory();
  memory.remember('me', [question], turn('call_a'));
  const history = toHistory([asked, sent(), back], 'me', memory);
  assert.deepEqual((history[1] as AssistantMessage).toolCalls, turn('call_a').toolCalls);
});

test('the same call elsewhere is another: after other messages, of other clients, with other words or arguments', () => {
  const memory = new CallMemory();
  memory.remember('me', [question], turn('call_a'));
  const other = messageSchema.parse({ role: 'user', content: 'Rain?' });
  for (const [messages, whose] of [
    [[other, sent()], 'me'],
    [[asked, sent()], 'you'],
    [[asked, sent(undefined, 'Let me think.')], 'me'],
    [[asked, sent({ city: 'Rome', days: 2 })], 'me'],
    [[asked, asked, sent()], 'me'],
  ] as const) {
    assert.deepEqual(idsOf(toHistory([...messages, back], whose, memory)), [`call_${messages.length - 1}_0`]);
  }
});

test('two turns of one conversation are told apart, though they call the same', () => {
  const memory = new CallMemory();
  const result: ChatMessage = { role: 'tool', content: 'sunny', toolCallId: 'call_a' };
  memory.remember('me', [question], turn('call_a'));
  memory.remember('me', [question, turn('call_a'), result], turn('call_b'));
  const history = toHistory([asked, sent(), back, sent(), back], 'me', memory);
  assert.deepEqual(idsOf(history), ['call_a', 'call_b']);
  assert.deepEqual(
    history.flatMap((message) => (message.role === 'tool' ? [message.toolCallId] : [])),
    ['call_a', 'call_b'],
  );
});

test('what is used stays, the oldest goes', () => {
  const memory = new CallMemory({ maxTurns: 2 });
  for (const id of ['a', 'b']) memory.remember(id, [question], turn(`call_${id}`));
  memory.recall('a', [question, turn('')]);
  memory.remember('c', [question], turn('call_c'));
  const kept = ['a', 'b', 'c'].filter((whose) => memory.recall(whose, [question, turn('')])[1] !== undefined);
  assert.deepEqual([kept, memory.size], [['a', 'c'], 2]);
  const small = new CallMemory({ maxCharacters: 1000 });
  small.remember('me', [question], turn('call_a', `{"text":"${'x'.repeat(2000)}"}`));
  assert.equal(small.size, 0);
  memory.remember('me', [question], { role: 'assistant', content: 'No call.' });
  assert.equal(memory.size, 2);
});

test('arguments become objects with all their digits, and nothing else becomes one', () => {
  const call = (text: string) => ({ id: '', name: 'f', arguments: text });
  const text = '{"id":12345678901234567890,"half":0.5,"list":[1,{"a":null}]}';
  assert.equal(JSON.stringify(argumentsObject(call(text))), text);
  assert.deepEqual(argumentsObject(call('')), {});
  for (const wrong of ['[]', '"text"', 'null', '3', '{"a"', 'ls -R']) {
    assert.throws(() => argumentsObject(call(wrong)), { code: 'api/malformed-call' }, wrong);
  }
  assert.equal(canonicalArguments('{ "b": [1, {"d":2,"c":1}], "a": "x" }'), '{"a":"x","b":[1,{"c":1,"d":2}]}');
  assert.equal(canonicalArguments('not json'), 'not json');
});
