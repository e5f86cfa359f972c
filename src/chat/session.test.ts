import assert from 'node:assert/strict';
import { test } from 'node:test';
import { o200kHarmony } from '../tokenizer/index.ts';
import type { LoadedModel } from './load.ts';
import { Session } from './session.ts';
import { scriptedModel } from './testing.ts';
import type { ChatEnd, ChatEvent, ChatMessage, ChatOptions } from './types.ts';

/** Answers every turn with how many messages it saw. */
class Counter {
  readonly name = 'counter';
  declare readonly info: LoadedModel['info'];
  declare readonly tokenizer: LoadedModel['tokenizer'];
  declare readonly countTokens: LoadedModel['countTokens'];
  readonly seen: { history: ChatMessage[]; options: ChatOptions }[] = [];

  async *chat(
    history: string | readonly ChatMessage[],
    options: ChatOptions = {},
  ): AsyncGenerator<ChatEvent, void, undefined> {
    this.seen.push({ history: [...(history as ChatMessage[])], options });
    const content = `${history.length} messages`;
    yield { type: 'text', delta: content, channel: 'final' };
    const harmony = [{ role: 'assistant', channel: 'final', content, sampled: [1, 2] } as const];
    const timing = { queueMs: 0, prefillMs: 0, decodeMs: 0 };
    const end: ChatEnd = {
      type: 'end',
      reason: 'stop',
      repairs: [],
      messages: [{ role: 'assistant', content, harmony }],
      seed: 1,
      timing,
    };
    yield end;
  }
}

async function drain(events: AsyncIterable<ChatEvent>): Promise<void> {
  for await (const _ of events);
}

test('a session remembers both sides, its options, and what a turn asks for itself', async () => {
  const model = new Counter();
  const session = new Session(model, { effort: 'low', seed: 4 });
  await drain(session.send('one'));
  await drain(session.send('two', { seed: 5 }));
  session.answer('42', 'call_1');
  await drain(session.continue());
  assert.deepEqual(
    session.messages.map(({ role }) => role),
    ['user', 'assistant', 'user', 'assistant', 'tool', 'assistant'],
  );
  assert.deepEqual(
    model.seen.map(({ options }) => [options.effort, options.seed]),
    [
      ['low', 4],
      ['low', 5],
      ['low', 4],
    ],
  );
});

test('undo takes back the last message of the user and what followed', async () => {
  const session = new Session(new Counter());
  await drain(session.send('one'));
  await drain(session.send('two'));
  assert.equal(session.undo(), true);
  assert.deepEqual(
    session.messages.map(({ content }) => content),
    ['one', '1 messages'],
  );
  assert.deepEqual([session.undo(), session.undo(), session.messages.length], [true, false, 0]);
});

test('a saved session goes on; with another model its ids are forgotten', async () => {
  const session = new Session(new Counter());
  await drain(session.send('one'));
  const saved: unknown = JSON.parse(JSON.stringify(session));
  assert.deepEqual(Session.from(saved, new Counter()).messages, session.messages);
  const other = Session.from({ ...(saved as object), model: 'another' }, new Counter());
  const answer = other.messages[1]!;
  assert.ok(answer.role === 'assistant' && answer.harmony?.[0]?.sampled === undefined);
  assert.equal(answer.content, '1 messages');
  for (const wrong of [
    null,
    3,
    {},
    { format: 'ossia-session/2', model: 'x', messages: [] },
    { format: 'ossia-session/1', model: 'x' },
  ]) {
    assert.throws(() => Session.from(wrong, new Counter()), { code: 'harmony/bad-conversation' });
  }
});

test('with a toolbox, the history gets the calls that were carried out and their results', async () => {
  const conversations: string[] = [];
  const clock = {
    name: 'clock',
    functions: async () => [{ name: 'now' }],
    call: async ({ conversation }: { readonly conversation: string }) => {
      conversations.push(conversation);
      return { text: 'noon' };
    },
    close: async () => {},
  };
  const call = '<|channel|>commentary to=functions.now <|constrain|>json<|message|>{}<|call|>';
  const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
  const model = scriptedModel(o200kHarmony(), [call, say('It is noon.'), call, say('Still noon.')]);
  const session = new Session(model, { toolbox: [clock] });
  const types = new Set<string>();
  for await (const { type } of session.send('What time is it?')) types.add(type);
  for await (const _ of session.send('And now?'));
  assert.ok(types.has('tool_end'));
  assert.deepEqual(
    session.messages.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'assistant', 'user', 'assistant', 'tool', 'assistant'],
  );
  assert.deepEqual(conversations, [session.conversation, session.conversation]);
});
