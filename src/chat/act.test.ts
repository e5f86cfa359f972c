import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TurnConstraintOptions } from '../harmony/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import type { Tool, ToolRequest, ToolResult } from '../tools/index.ts';
import { act } from './act.ts';
import type { ActEnd, ActEvent, ActOptions } from './acting-types.ts';
import { type ScriptedModel, type ScriptedTurn, type ScriptOptions, scriptedModel } from './testing.ts';

const tokenizer = o200kHarmony();
const user = [{ role: 'user', content: 'Hi' } as const];

function callTo(name: string, args = '{}', thought = 'Let me look.'): string {
  return `<|channel|>analysis<|message|>${thought}<|end|><|start|>assistant<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${args}<|call|>`;
}
const python = (code: string) => `<|channel|>analysis to=python code<|message|>${code}<|call|>`;
const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;

/** A tool with these functions (or a builtin), that answers as it is told to. */
function tool(
  name: string,
  functions: readonly string[],
  answer: (request: ToolRequest) => unknown,
  more: Partial<Tool> = {},
) {
  const requests: ToolRequest[] = [];
  const made: Tool & { readonly requests: ToolRequest[] } = {
    name,
    requests,
    functions: async () => functions.map((name) => ({ name, parameters: { type: 'object' } })),
    async call(request) {
      requests.push(request);
      const result = await answer(request);
      return typeof result === 'string' ? { text: result } : (result as ToolResult);
    },
    async close() {},
    ...more,
  };
  return made;
}

const scripted = (turns: readonly ScriptedTurn[], options: ScriptOptions = {}) =>
  scriptedModel(tokenizer, turns, options);

async function run(model: ScriptedModel, options: Partial<ActOptions>, history: Parameters<typeof act>[1] = user) {
  const events: ActEvent[] = [];
  for await (const event of act(model, history, { toolbox: [], conversation: 'c', ...options })) events.push(event);
  const end = events.at(-1) as ActEnd;
  assert.equal(end.type, 'end');
  return { events, end, types: events.map(({ type }) => type), seen: prompts(model) };
}

function prompts(model: ScriptedModel): string[] {
  return model.engine.requests.map(({ prompt }) => tokenizer.decode(prompt));
}

const results = (end: ActEnd) => end.messages.flatMap((message) => (message.role === 'tool' ? [message.content] : []));

test('calls are carried out, their results go to the model, and the turn ends with its answer', async () => {
  const files = tool('mcp:files', ['read_file'], ({ arguments: args }) => `content of ${args}`);
  const model = scripted([callTo('read_file', '{"path":"a"}'), say('It says a.')]);
  const { end, types, seen } = await run(model, { toolbox: [files] });
  assert.equal(end.reason, 'stop');
  assert.equal(end.steps, 1);
  assert.equal(end.limit, undefined);
  assert.deepEqual(
    end.messages.map(({ role }) => role),
    ['assistant', 'tool', 'assistant'],
  );
  assert.deepEqual(results(end), ['content of {"path":"a"}']);
  assert.equal(files.requests[0]!.name, 'read_file');
  assert.equal(files.requests[0]!.conversation, 'c');
  assert.match(seen[0]!, /type read_file = /);
  assert.ok(
    seen[1]!.endsWith(
      `<|channel|>analysis<|message|>Let me look.<|end|><|start|>assistant<|channel|>commentary to=functions.read_file <|constrain|>json<|message|>{"path":"a"}<|call|><|start|>functions.read_file to=assistant<|channel|>commentary<|message|>content of {"path":"a"}<|end|><|start|>assistant`,
    ),
    seen[1],
  );
  assert.deepEqual(
    types.filter((type) => /tool_(start|end)|step|usage|end/.test(type)),
    ['tool_start', 'tool_end', 'step', 'usage', 'end'],
  );
});

test('a builtin is described as the models know it, called by its name and answered as itself', async () => {
  const box = tool('python', [], () => '4\n', { builtin: 'python' });
  const model = scripted([python('print(2 + 2)'), say('Four.')]);
  const { end, seen, events } = await run(model, { toolbox: [box] });
  assert.equal(box.requests[0]!.name, 'python');
  assert.equal(box.requests[0]!.arguments, 'print(2 + 2)');
  assert.match(seen[0]!, /## python/);
  assert.match(seen[1]!, /<\|start\|>python to=assistant<\|channel\|>analysis<\|message\|>4\n<\|end\|>/);
  const started = events.find(({ type }) => type === 'tool_start');
  assert.ok(started?.type === 'tool_start' && started.call.builtin && started.call.tool === 'python');
  assert.equal(end.steps, 1);
});

test('functions of one name are told apart by their tool, and the tool hears its own name', async () => {
  const one = tool('mcp:one', ['read', 'only one/here'], () => 'from one');
  const two = tool('mcp:two', ['read'], () => 'from two');
  const model = scripted([callTo('two__read'), callTo('only_one_here'), say('Done.')]);
  const tools = [{ name: 'one__read' }];
  const { end, seen } = await run(model, { toolbox: [one, two], tools });
  for (const name of ['one__read', 'one__read_2', 'two__read', 'only_one_here']) {
    assert.match(seen[0]!, new RegExp(`type ${name} = `));
  }
  assert.deepEqual(results(end), ['from two', 'from one']);
  assert.equal(two.requests[0]!.name, 'read');
  assert.equal(one.requests[0]!.name, 'only one/here');
});

test("a call of the caller's own function ends with tool_calls, once those that run here have run", async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const two = `${callTo('here').replace(/<\|call\|>$/, '<|end|>')}<|start|>assistant<|channel|>commentary to=functions.mine <|constrain|>json<|message|>{}<|call|>`;
  const { end } = await run(scripted([two]), { toolbox: [box], tools: [{ name: 'mine' }] });
  assert.equal(end.reason, 'tool_calls');
  assert.equal(end.steps, 0);
  assert.deepEqual(results(end), ['ran']);
  const [message] = end.messages;
  assert.ok(message?.role === 'assistant');
  assert.deepEqual(
    message.toolCalls?.map(({ name }) => name),
    ['here', 'mine'],
  );
});

test('the model is told of a function that is not there, and of arguments that were cut short', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const cut =
    '<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary to=functions.here <|constrain|>json<|message|>{"a": <|call|>';
  const { end, seen } = await run(scripted([callTo('there'), cut, say('I see.')]), { toolbox: [box] });
  assert.equal(end.reason, 'stop');
  assert.equal(box.requests.length, 0);
  assert.match(results(end)[0]!, /no function "there".*here/);
  assert.match(results(end)[1]!, /cut short/);
  assert.match(seen[2]!, /Hm\..*\{"a": <\|call\|><\|start\|>functions\.here to=assistant/);
});

test('with nothing in the toolbox a turn is as it always was', async () => {
  const { end } = await run(scripted([callTo('there')]), { tools: [{ name: 'mine' }] });
  assert.equal(end.reason, 'tool_calls');
  assert.equal(end.messages.length, 1);
});

test('at the limit of steps nothing can be called, the tools stay described, and the end says so', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const model = scripted([callTo('here'), callTo('here'), say('Enough.')]);
  const { end, seen } = await run(model, { toolbox: [box], maxSteps: 2 });
  assert.equal(end.limit, 'steps');
  assert.equal(end.steps, 2);
  const choices = model.engine.requests.map(({ params }) => constraintOf(params).toolChoice);
  assert.deepEqual(choices, [undefined, undefined, 'none']);
  assert.match(seen[2]!, /type here = /);
});

test('without the constraint, calls beyond the limit are refused, and end at last', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const model = scripted([callTo('here'), callTo('here'), callTo('here')]);
  const { end } = await run(model, { toolbox: [box], maxSteps: 1, constrain: false });
  assert.equal(box.requests.length, 1);
  assert.match(results(end)[1]!, /no more calls/);
  assert.equal(results(end).length, 3);
  assert.equal(end.reason, 'stop');
  assert.equal(end.limit, 'steps');
});

test('when time is up, what runs is broken off and the model answers', async () => {
  const box = tool('mcp:a', ['here'], forever);
  const model = scripted([callTo('here'), say('So far so good.')]);
  const { end } = await run(model, { toolbox: [box], actTimeoutMs: 100 });
  assert.equal(end.limit, 'time');
  assert.match(results(end)[0]!, /no time/);
  assert.equal(end.reason, 'stop');
  assert.equal(constraintOf(model.engine.requests[1]!.params).toolChoice, 'none');
  assert.ok(box.requests[0]!.signal.aborted);
});

test('who wants the answer now gets it from what is there', async () => {
  const hurry = new AbortController();
  const box = tool('mcp:a', ['here'], () => {
    hurry.abort();
    return forever();
  });
  const model = scripted([callTo('here'), say('Quick.')]);
  const { end } = await run(model, { toolbox: [box], answerNow: hurry.signal });
  assert.equal(end.reason, 'stop');
  assert.equal(end.limit, undefined);
  assert.match(results(end)[0]!, /Answer with what you have/);
});

test('a call that takes too long or breaks is a result that the model reads', async () => {
  const slow = tool('mcp:a', ['slow'], forever);
  const broken = tool('mcp:b', ['broken'], () => {
    throw new Error('disk on fire');
  });
  const model = scripted([callTo('slow'), callTo('broken'), say('Sorry.')]);
  const { end } = await run(model, { toolbox: [slow, broken], callTimeoutMs: 50 });
  assert.deepEqual(results(end), ['Timed out after 0.05 seconds.', 'The tool failed: disk on fire']);
  assert.ok(slow.requests[0]!.signal.aborted);
});

test('what needs approval asks first: allowed it runs, refused the model hears why', async () => {
  const box = tool('mcp:a', ['write'], () => 'written', { needsApproval: ({ name }) => name === 'write' });
  const asked: string[] = [];
  const answers = [{ allowed: true }, { allowed: false, reason: 'not that file' }];
  const approve: ActOptions['approve'] = async ({ name, tool }) => {
    asked.push(`${tool} ${name}`);
    return answers.shift()!;
  };
  const model = scripted([callTo('write'), callTo('write'), say('Well.')]);
  const { end, types, events } = await run(model, { toolbox: [box], approve });
  assert.deepEqual(asked, ['mcp:a write', 'mcp:a write']);
  assert.deepEqual(results(end), ['written', 'Not allowed: not that file']);
  assert.deepEqual(
    types.filter((type) => /approval|tool_(start|end)$/.test(type)),
    ['approval', 'tool_start', 'tool_end', 'approval', 'tool_end'],
  );
  assert.deepEqual(
    events.flatMap((event) => (event.type === 'tool_end' ? [event.refused] : [])),
    [undefined, true],
  );
  assert.equal(box.requests.length, 1);
});

test('who is not there cannot allow anything, and what was allowed before is not asked again', async () => {
  const box = tool('mcp:a', ['write'], () => 'written', { needsApproval: () => true });
  const alone = await run(scripted([callTo('write'), say('Well.')]), { toolbox: [box] });
  assert.match(results(alone.end)[0]!, /Not allowed/);
  const isAllowed: ActOptions['isAllowed'] = ({ name }) => name === 'write';
  const again = await run(scripted([callTo('write'), say('Well.')]), { toolbox: [box], isAllowed });
  assert.deepEqual(results(again.end), ['written']);
  assert.ok(!again.types.includes('approval'));
});

test('an approval that is put off ends the acting, which goes on from its history once it is there', async () => {
  const box = tool('mcp:a', ['write'], () => 'written', { needsApproval: () => true });
  const first = await run(scripted([callTo('write')]), {
    toolbox: [box],
    approve: async () => ({ allowed: false, postponed: true }),
  });
  assert.equal(first.end.reason, 'tool_calls');
  assert.equal(box.requests.length, 0);
  const history = [...user, ...first.end.messages];
  const model = scripted([say('It is written.')]);
  const { end, types } = await run(model, { toolbox: [box], approve: async () => ({ allowed: true }) }, history);
  assert.deepEqual(results(end), ['written']);
  assert.deepEqual(types.slice(0, 3), ['approval', 'tool_start', 'tool_end']);
  assert.equal(end.reason, 'stop');
  assert.match(tokenizer.decode(model.engine.requests[0]!.prompt), /written<\|end\|><\|start\|>assistant$/);
});

test('stopped while a tool runs, the call has a result and what there is stays', async () => {
  const stop = new AbortController();
  const box = tool('mcp:a', ['here'], () => {
    stop.abort();
    return forever();
  });
  const { end } = await run(scripted([callTo('here')]), { toolbox: [box], signal: stop.signal });
  assert.equal(end.reason, 'cancelled');
  assert.deepEqual(results(end), ['Cancelled.']);
  assert.deepEqual(
    end.messages.map(({ role }) => role),
    ['assistant', 'tool'],
  );
});

test('stopped while somebody is asked, while the model writes, or before anything, it ends as cancelled', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran', { needsApproval: () => true });
  const asking = new AbortController();
  const approve = async () => {
    asking.abort();
    return forever();
  };
  const asked = await run(scripted([callTo('here')]), { toolbox: [box], approve, signal: asking.signal });
  assert.equal(asked.end.reason, 'cancelled');
  assert.deepEqual(results(asked.end), ['Cancelled.']);

  const writing = new AbortController();
  const model = scripted([callTo('here'), say('A long answer.')]);
  const events: ActEvent[] = [];
  const options = { toolbox: [box], conversation: 'c', isAllowed: () => true, signal: writing.signal };
  for await (const event of act(model, user, options)) {
    events.push(event);
    if (event.type === 'text') writing.abort();
  }
  const end = events.at(-1) as ActEnd;
  assert.equal(end.reason, 'cancelled');
  assert.deepEqual(
    end.messages.map(({ role }) => role),
    ['assistant', 'tool', 'assistant'],
  );

  const before = await run(scripted([say('Never.')]), {
    toolbox: [{ ...box, functions: async (signal) => signal.throwIfAborted() as never }],
    signal: AbortSignal.abort(),
  });
  assert.equal(before.end.reason, 'cancelled');
  assert.deepEqual(before.end.messages, []);
});

test('a reader who leaves while a tool runs stops the tool', async () => {
  const box = tool('mcp:a', ['here'], ({ progress }) => {
    progress?.('half way');
    return forever();
  });
  for await (const event of act(scripted([callTo('here')]), user, { toolbox: [box], conversation: 'c' })) {
    if (event.type === 'tool_progress') {
      assert.equal(event.text, 'half way');
      break;
    }
  }
  assert.ok(box.requests[0]!.signal.aborted);
});

test('a result that the context has no room for is cut, with the exact number of its tokens', async () => {
  const text = 'one two three four five six seven eight nine ten\n'.repeat(400);
  const box = tool('mcp:a', ['long'], () => text);
  const model = scripted([callTo('long'), say('Long.')], { contextLength: 2000 });
  const { end, seen, events } = await run(model, { toolbox: [box] });
  const [given] = results(end);
  const [, count, kept] = /\[This result has (\d+) tokens; the first (\d+) are shown, because/.exec(given!)!;
  assert.equal(Number(count), tokenizer.encode(text).length);
  assert.ok(given!.startsWith(tokenizer.decode(tokenizer.encode(text).slice(0, Number(kept)))));
  const { prompt } = model.engine.requests[1]!;
  assert.ok(prompt.length <= 1500 && prompt.length > 1480, `${prompt.length}`); // a quarter is kept for the answer
  assert.ok(seen[1]!.includes('no room for more'));
  const ended = events.find(({ type }) => type === 'tool_end');
  assert.ok(ended?.type === 'tool_end' && ended.result.text === text && ended.cut === given);
});

test('once no result fits any more, the model answers with what it has', async () => {
  const box = tool('mcp:a', ['long'], () => 'word '.repeat(5000));
  const model = scripted([callTo('long'), callTo('long'), say('Long.')], { contextLength: 2000 });
  const { end } = await run(model, { toolbox: [box] });
  assert.equal(end.limit, 'context');
  assert.match(results(end)[1]!, /^\[This result has \d+ tokens; nothing of it is shown/);
  assert.equal(constraintOf(model.engine.requests[2]!.params).toolChoice, 'none');
  assert.equal(end.reason, 'stop');
});

test('usage is the sum of all turns, limits of tokens are for all of them, and the seed stays', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const model = scripted([callTo('here'), say('Done.')], { cachedTokens: 10 });
  const { events } = await run(model, {
    toolbox: [box],
    maxTokens: 100,
    maxReasoningTokens: 50,
    toolChoice: 'required',
    seed: 7,
  });
  const usage = events.find(({ type }) => type === 'usage');
  const [first, second] = model.engine.requests;
  assert.ok(usage?.type === 'usage');
  assert.equal(usage.promptTokens, first!.prompt.length + second!.prompt.length);
  assert.equal(usage.cachedTokens, 20);
  const used = tokenizer.encodeWithSpecials(callTo('here')).length;
  assert.equal(usage.outputTokens, used + tokenizer.encodeWithSpecials(say('Done.')).length);
  assert.equal(second!.params.maxTokens, 100 - used);
  assert.equal(constraintOf(second!.params).maxReasoningTokens, 50 - usage.reasoningTokens);
  assert.equal(constraintOf(first!.params).toolChoice, 'required');
  assert.equal(constraintOf(second!.params).toolChoice, undefined);
  assert.deepEqual([first!.params.seed, second!.params.seed], [7, 7]);
});

test('when the tokens are used up by calls, it ends by length', async () => {
  const box = tool('mcp:a', ['here'], () => 'ran');
  const maxTokens = tokenizer.encodeWithSpecials(callTo('here')).length;
  const { end } = await run(scripted([callTo('here')]), { toolbox: [box], maxTokens });
  assert.equal(end.reason, 'length');
  assert.deepEqual(results(end), ['ran']);
});

test('the end names what the citations of the answer point to', async () => {
  const page = { url: 'https://a.example', title: 'A' };
  const seen: string[] = [];
  const box = tool('browser', [], () => 'page', {
    builtin: 'browser',
    citations(conversation, text) {
      seen.push(`${conversation} ${text}`);
      return [{ text: '【0†L1】', start: 3, end: 9, page, lines: { first: 1, last: 1 }, quote: 'q' }];
    },
  });
  const open = '<|channel|>analysis to=browser.open code<|message|>{"id":1}<|call|>';
  const { end } = await run(scripted([open, say('So 【0†L1】')]), { toolbox: [box] });
  assert.deepEqual(seen, ['c So 【0†L1】']);
  assert.equal(end.citations?.[0]?.page, page);
});

test('a tool that cannot say what it offers is an error', async () => {
  const box = tool('mcp:a', [], () => '', { functions: async () => Promise.reject(new Error('unreachable')) });
  await assert.rejects(run(scripted([say('Hm.')]), { toolbox: [box] }), /unreachable/);
});

test('limits that are none are refused by name', async () => {
  await assert.rejects(run(scripted([]), { maxSteps: -1 }), /maxSteps/);
  await assert.rejects(run(scripted([]), { callTimeoutMs: 0 }), /callTimeoutMs/);
  await assert.rejects(run(scripted([]), { actTimeoutMs: Number.NaN }), /actTimeoutMs/);
});

function forever(): Promise<never> {
  return new Promise(() => {});
}

function constraintOf({ constraint }: { readonly constraint?: unknown }): TurnConstraintOptions {
  return constraint as TurnConstraintOptions;
}
