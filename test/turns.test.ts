import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Acting, type TurnObserver, Turns } from '../src/api/index.ts';
import { type ActEvent, type ChatEvent, type ChatMessage, TurnMemory } from '../src/chat/index.ts';
import { type ScriptedTurn, scriptedModel } from '../src/chat/testing.ts';
import { o200kHarmony } from '../src/tokenizer/index.ts';
import type { Tool, ToolRequest } from '../src/tools/index.ts';

const call =
  '<|channel|>analysis<|message|>I look.<|end|><|start|>assistant<|channel|>commentary to=functions.look <|constrain|>json<|message|>{}<|call|>';
const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
const user: ChatMessage = { role: 'user', content: 'Hi' };
const forever = () => new Promise<never>(() => {});

function look(answer: (request: ToolRequest) => Promise<string>, more: Partial<Tool> = {}): Tool {
  return {
    name: 'eye',
    functions: async () => [{ name: 'look' }],
    call: async (request) => ({ text: await answer(request) }),
    close: async () => {},
    ...more,
  };
}

class Watcher implements TurnObserver {
  readonly said: string[] = [];
  readonly events: ChatEvent[] = [];

  begin() {
    this.said.push('begin');
    return {
      event: (event: ChatEvent) => void this.events.push(event),
      fail: () => void this.said.push('fail'),
      over: () => void this.said.push('over'),
    };
  }
}

function setUp(turns: readonly ScriptedTurn[], tool: Tool) {
  const watcher = new Watcher();
  const memory = new TurnMemory();
  const running = new Turns({ memory, observer: watcher });
  const model = scriptedModel(o200kHarmony(), turns);
  const acting: Acting = { toolbox: [tool], conversation: 'c' };
  const start = (history: readonly ChatMessage[] = [user], more: Partial<Acting> = {}) => {
    const request = { id: 'turn_1', api: 'console', client: 'me', signal: new AbortController().signal } as const;
    return running.start(model, history, {}, request, { ...acting, ...more });
  };
  return { watcher, running, model, start };
}

/** Reads to the end, and says something when an event of a type comes. */
async function read(
  events: AsyncIterable<ActEvent>,
  on: Partial<Record<ActEvent['type'], (event: ActEvent) => void>> = {},
) {
  const all: ActEvent[] = [];
  for await (const event of events) {
    all.push(event);
    on[event.type]?.(event);
  }
  const end = all.at(-1);
  assert.ok(end?.type === 'end');
  return { all, end };
}

const resultsOf = (messages: readonly ChatMessage[]) => messages.flatMap((m) => (m.role === 'tool' ? [m.content] : []));

test('acting is one turn to who observes it, and its usage the sum', async () => {
  const { watcher, running, start } = setUp(
    [call, say('A tree.')],
    look(async () => 'a tree'),
  );
  const { all, end } = await read(await start());
  assert.deepEqual(watcher.said, ['begin', 'over']);
  const types = watcher.events.map(({ type }) => type);
  assert.equal(types.filter((type) => type === 'usage').length, 1);
  assert.equal(types.filter((type) => type === 'end').length, 1);
  assert.ok(!types.some((type) => /^(?:tool_(?:start|end|progress)|approval|step)$/.test(type)));
  const observed = watcher.events.at(-1);
  assert.ok(observed?.type === 'end' && observed.messages.every(({ role }) => role === 'assistant'));
  assert.ok(all.some(({ type }) => type === 'tool_end'));
  assert.equal(end.steps, 1);
  assert.equal(running.size, 0);
});

test('thoughts that a client drops are put back, those before a call that ran here included', async () => {
  const { model, start } = setUp(
    [call, say('A tree.'), say('Yes.')],
    look(async () => 'a tree'),
  );
  const { end } = await read(await start());
  const without = end.messages.map((message): ChatMessage => {
    if (message.role !== 'assistant' || !message.toolCalls) return message;
    return { role: 'assistant', toolCalls: message.toolCalls };
  });
  await read(await start([user, ...without.slice(0, 2)]));
  const [, second, third] = model.engine.requests.map(({ prompt }) => prompt);
  assert.deepEqual(third, second);
});

test('a call that waits is allowed by the ids of its turn and itself', async () => {
  const { running, start } = setUp(
    [call, say('A tree.')],
    look(async () => 'a tree', { needsApproval: () => true }),
  );
  const { end } = await read(await start(), {
    approval: (event) => {
      assert.ok(event.type === 'approval');
      assert.equal(running.approve('turn_2', event.call.id, { allowed: true }), false);
      assert.equal(running.approve('turn_1', 'call_2', { allowed: true }), false);
      assert.equal(running.approve('turn_1', event.call.id, { allowed: true }), true);
      assert.equal(running.approve('turn_1', event.call.id, { allowed: true }), false, 'once is enough');
    },
  });
  assert.deepEqual(resultsOf(end.messages), ['a tree']);
});

test('stopped while it waits for approval, it ends, and nobody is asked any more', async () => {
  const { running, start } = setUp(
    [call],
    look(async () => 'a tree', { needsApproval: () => true }),
  );
  let callId = '';
  const { end } = await read(await start(), {
    approval: (event) => {
      callId = event.type === 'approval' ? event.call.id : '';
      setImmediate(() => running.stop('turn_1'));
    },
  });
  assert.equal(end.reason, 'cancelled');
  assert.deepEqual(resultsOf(end.messages), ['Cancelled.']);
  assert.equal(running.approve('turn_1', callId, { allowed: true }), false);
});

test('answer now and stop reach a tool that runs', async () => {
  const hurried = setUp([call, say('In short.')], look(forever));
  const { end } = await read(await hurried.start(), {
    tool_start: () => setImmediate(() => assert.ok(hurried.running.answerNow('turn_1'))),
  });
  assert.equal(end.reason, 'stop');
  assert.match(resultsOf(end.messages)[0]!, /Answer with what you have/);

  const stopped = setUp([call], look(forever));
  const cancelled = await read(await stopped.start(), {
    tool_start: () => setImmediate(() => stopped.running.stopAll()),
  });
  assert.equal(cancelled.end.reason, 'cancelled');
});

test('a tool that cannot be reached refuses the turn before it begins', async () => {
  const broken = look(async () => '', { functions: async () => Promise.reject(new Error('unreachable')) });
  const { watcher, start } = setUp([say('Never.')], broken);
  await assert.rejects(start(), /unreachable/);
  assert.deepEqual(watcher.said, ['begin', 'fail', 'over']);
});
