import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderText } from '../harmony/index.ts';
import { o200kHarmony } from '../tokenizer/index.ts';
import { type PromptOptions, toConversation } from './conversation.ts';
import type { ChatMessage } from './types.ts';

const tokenizer = o200kHarmony();
const prompt = (history: readonly ChatMessage[], options: PromptOptions = {}) =>
  renderText(toConversation(history, { date: '2026-03-01', ...options }), tokenizer);

const HI = [{ role: 'user', content: 'Hi' }] as const;

const SYSTEM =
  '<|start|>system<|message|>You are ChatGPT, a large language model trained by OpenAI.\nKnowledge cutoff: 2024-06\n' +
  'Current date: 2026-03-01\n\nReasoning: medium\n\n' +
  '# Valid channels: analysis, commentary, final. Channel must be included for every message.<|end|>';

const weather = {
  name: 'weather',
  description: 'Looks outside',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};

test('one message of the user becomes the prompt that the models know', () => {
  assert.equal(
    prompt([{ role: 'user', content: 'Hi' }]),
    `${SYSTEM}<|start|>user<|message|>Hi<|end|><|start|>assistant`,
  );
});

test('identity, effort, cutoff and date change their lines, and null drops them', () => {
  const text = prompt(HI, { identity: 'You are Ossia.', effort: 'high', knowledgeCutoff: null, date: null });
  assert.match(text, /<\|message\|>You are Ossia\.\n\nReasoning: high\n/);
  assert.match(prompt(HI, { knowledgeCutoff: '2025-01' }), /cutoff: 2025-01\n/);
});

test('without a date option the prompt says what this machine calls today', () => {
  const now = new Date();
  const text = renderText(toConversation(HI), tokenizer);
  const date = /Current date: (\d{4})-(\d\d)-(\d\d)\n/.exec(text)!;
  const days = Math.abs(new Date(+date[1]!, +date[2]! - 1, +date[3]!).getTime() - now.getTime()) / 86_400_000;
  assert.ok(days <= 1);
});

test('system and developer texts become one developer message with the functions', () => {
  const text = prompt(
    [
      { role: 'system', content: 'Be brief.' },
      { role: 'developer', content: 'Be kind.' },
      { role: 'system', content: '' },
      { role: 'user', content: 'Hi' },
    ],
    { tools: [weather] },
  );
  assert.match(
    text,
    /<\|start\|>developer<\|message\|># Instructions\n\nBe brief\.\n\nBe kind\.\n\n# Tools\n\n## functions\n/,
  );
  assert.match(text, /\/\/ Looks outside\ntype weather = \(_: \{\ncity\?: string,\n\}\) => any;/);
  assert.match(text, /Calls to these tools must go to the commentary channel: 'functions'\./);
});

test('instructions in the middle stay where they are', () => {
  const text = prompt([
    { role: 'user', content: 'Hi' },
    { role: 'system', content: 'Now in verse.' },
    { role: 'user', content: 'Go' },
  ]);
  assert.match(
    text,
    /Hi<\|end\|><\|start\|>developer<\|message\|># Instructions\n\nNow in verse\.<\|end\|><\|start\|>user/,
  );
});

test('a call and its result are told by id, by name, or by being the only one', () => {
  const call: ChatMessage = {
    role: 'assistant',
    toolCalls: [{ id: 'a', name: 'weather', arguments: '{"city":"Oslo"}' }],
  };
  for (const about of [{ toolCallId: 'a' }, { name: 'weather' }, {}]) {
    const text = prompt([{ role: 'user', content: '?' }, call, { role: 'tool', content: 'rain', ...about }], {
      tools: [weather],
    });
    assert.ok(
      text.endsWith(
        '<|start|>assistant<|channel|>commentary to=functions.weather <|constrain|>json<|message|>{"city":"Oslo"}<|call|>' +
          '<|start|>functions.weather to=assistant<|channel|>commentary<|message|>rain<|end|><|start|>assistant',
      ),
      text,
    );
  }
});

test('of two calls the one that is answered leaves the other as the only one', () => {
  const toolCalls = [
    { id: 'a', name: 'weather', arguments: '{}' },
    { id: 'b', name: 'clock', arguments: '{}' },
  ];
  const text = prompt([
    { role: 'user', content: '?' },
    { role: 'assistant', toolCalls },
    { role: 'tool', content: 'noon', toolCallId: 'b' },
    { role: 'tool', content: 'rain' },
  ]);
  assert.match(text, /functions\.clock to=assistant.*noon.*functions\.weather to=assistant.*rain/);
});

test('a result goes to the channel of its call', () => {
  const harmony = [{ role: 'assistant', recipient: 'functions.weather', channel: 'analysis', content: '{}' } as const];
  const call: ChatMessage = { role: 'assistant', toolCalls: [{ id: 'a', name: 'weather', arguments: '{}' }], harmony };
  const text = prompt([{ role: 'user', content: '?' }, call, { role: 'tool', content: 'rain', toolCallId: 'a' }], {
    tools: [weather],
  });
  assert.match(text, /functions\.weather to=assistant<\|channel\|>analysis<\|message\|>rain/);
});

test('thoughts of a finished turn are left out, those before a pending call stay', () => {
  const finished: ChatMessage[] = [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', reasoning: 'A greeting.', content: 'Hello.' },
  ];
  assert.match(prompt(finished), /Hi<\|end\|><\|start\|>assistant<\|channel\|>final<\|message\|>Hello\.<\|end\|>/);
  const pending = {
    role: 'assistant',
    reasoning: 'Look.',
    toolCalls: [{ id: 'b', name: 'weather', arguments: '{}' }],
  } as const;
  assert.match(prompt([...finished, { role: 'user', content: '?' }, pending]), /analysis<\|message\|>Look\./);
});

test('what the model wrote itself goes back token for token', () => {
  const sampled = [200005, 17196, 200008, 3206, 382, 200002];
  const harmony = [{ role: 'assistant', channel: 'final', content: 'It is', sampled } as const];
  const text = prompt([
    { role: 'user', content: 'Hi' },
    { role: 'assistant', content: 'ignored', harmony },
  ]);
  assert.ok(text.endsWith('<|start|>assistant<|channel|>final<|message|>It is<|end|><|start|>assistant'), text);
});

test('messages and tools of the wrong form are refused with their place', () => {
  const wrong: [unknown[], RegExp][] = [
    [[{ role: 'robot', content: 'x' }], /message 0 to have one of the roles/],
    [[null], /message 0/],
    [[{ role: 'user', content: 'x' }, { role: 'user' }], /content of message 1 \(user\) to be a text, got undefined/],
    [[{ role: 'user', content: ['x'] }], /content of message 0/],
    [[{ role: 'assistant', content: 3 }], /content of message 0 \(assistant\)/],
    [[{ role: 'tool', content: 'x' }], /which call message 0 answers: 0 calls wait/],
    [[{ role: 'tool', content: 'x', toolCallId: 'q' }], /no call has the id "q"/],
  ];
  for (const [history, message] of wrong) {
    assert.throws(() => toConversation(history as ChatMessage[]), { code: 'harmony/bad-conversation', message });
  }
  for (const history of [[], {}, null]) {
    assert.throws(() => toConversation(history as ChatMessage[]), {
      code: 'harmony/bad-conversation',
      message: /a list of one message or more/,
    });
  }
  for (const name of ['', 'a b', 'x\n} // namespace', 3 as unknown as string]) {
    assert.throws(() => toConversation(HI, { tools: [{ name }] }), {
      code: 'harmony/bad-conversation',
      message: /name of tool 0/,
    });
  }
  const effort = 'extreme' as 'high';
  assert.throws(() => toConversation(HI, { effort }), { code: 'harmony/bad-conversation', message: /got "extreme"/ });
  assert.throws(() => toConversation(HI, { tools: [{ name: 'f' }, { name: 'f' }] }), /two tools with the name "f"/);
});

test('text beside a call is a remark before it, and the thoughts of its turn stay', () => {
  const call = { id: 'a', name: 'weather', arguments: '{}' };
  const text = prompt([
    { role: 'user', content: '?' },
    { role: 'assistant', content: 'Let me look.', reasoning: 'Rain?', toolCalls: [call] },
    { role: 'tool', content: 'rain' },
  ]);
  const order = ['analysis<|message|>Rain?', 'commentary<|message|>Let me look.<|end|>', '{}<|call|>', 'rain<|end|>'];
  const places = order.map((piece) => text.indexOf(piece));
  assert.ok(places[0]! > 0, text);
  assert.deepEqual(
    places,
    [...places].sort((a, b) => a - b),
  );
});

test('builtins stand in the system message, and their calls and results where the models write them', () => {
  const call = { id: 'c', name: 'browser.search', arguments: '{"query":"fjords"}', builtin: true } as const;
  const history: ChatMessage[] = [
    ...HI,
    { role: 'assistant', reasoning: 'Look it up.', toolCalls: [call] },
    { role: 'tool', toolCallId: 'c', content: 'Many.' },
  ];
  const text = prompt(history, { builtins: ['browser', 'python'] });
  assert.match(
    text,
    /Reasoning: medium\n\n# Tools\n\n## browser\n\n\/\/ Tool for browsing\..*\n## python\n.*# Valid channels/s,
  );
  assert.ok(
    text.endsWith(
      '<|start|>assistant<|channel|>analysis<|message|>Look it up.<|end|>' +
        '<|start|>assistant<|channel|>analysis to=browser.search code<|message|>{"query":"fjords"}<|call|>' +
        '<|start|>browser.search to=assistant<|channel|>analysis<|message|>Many.<|end|><|start|>assistant',
    ),
    text.slice(-300),
  );
});

test('a result that names a builtin is its, unless a function is called so or it is not enabled', () => {
  const history: ChatMessage[] = [...HI, { role: 'tool', name: 'python', content: '4' }];
  const author = (options: PromptOptions) =>
    /<\|start\|>([\w.]*python) to=assistant/.exec(prompt(history, options))?.[1];
  assert.equal(author({ builtins: ['python'] }), 'python');
  assert.equal(author({ builtins: ['browser'] }), 'functions.python');
  assert.equal(author({ builtins: ['python'], tools: [{ name: 'python' }] }), 'functions.python');
});

test('a builtin that the models do not know is refused', () => {
  const wrong = { builtins: ['perl'] } as unknown as PromptOptions;
  assert.throws(() => toConversation(HI, wrong), {
    code: 'harmony/bad-conversation',
    message: /browser, python.*perl/,
  });
  assert.throws(() => toConversation(HI, { builtins: 'python' } as unknown as PromptOptions), /builtins/);
});
