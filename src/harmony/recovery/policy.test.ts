import assert from 'node:assert/strict';
import { test } from 'node:test';
import { o200kHarmony } from '../../tokenizer/index.ts';
import type { RecoveredMessage, TurnFinish } from './events.ts';
import { recover } from './parser.ts';
import type { DeclaredTool } from './recipient.ts';
import type { RepairCode } from './repairs.ts';

const tokenizer = o200kHarmony();
const string = { type: 'string' };
const tools = [
  { name: 'read', parameters: { type: 'object', properties: { path: string }, required: ['path'] } },
  { name: 'grep', parameters: { type: 'object', properties: { pattern: string, count: { type: 'integer' } } } },
  { name: 'patch', parameters: string },
];
const READ = '{"path":"a"}';

/** A message in one line: surface, channel, recipient, type, content. */
function line({ surface, channel, recipient, contentType, content, undeclared, incomplete }: RecoveredMessage): string {
  const flags = `${undeclared ? ' undeclared' : ''}${incomplete ? ' incomplete' : ''}`;
  const to = `${recipient === undefined ? '' : ` to=${recipient}`}${contentType === undefined ? '' : ` ${contentType}`}`;
  return `${surface} ${channel}${to}${flags}: ${content}`;
}

interface Case {
  readonly of: string;
  readonly text: string;
  readonly gives: readonly string[];
  readonly repairs: readonly RepairCode[];
  readonly finish?: TurnFinish;
  readonly builtins?: readonly string[];
  readonly tools?: readonly DeclaredTool[];
}

const cases: readonly Case[] = [
  {
    of: 'a channel with the recipient glued to it',
    text: `<|channel|>commentaryto=functions.read json<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read json: ${READ}`],
    repairs: ['channel-normalized'],
  },
  {
    of: 'an ordinary word that begins like a channel',
    text: '<|channel|>finally<|message|>Done.<|return|>',
    gives: ['text final: Done.'],
    repairs: ['channel-unknown', 'channel-assumed'],
  },
  {
    of: 'a call without a channel',
    text: ` to=functions.read<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['channel-assumed'],
  },
  {
    of: 'a space between the marker and the content type',
    text: `<|channel|>commentary to=functions.read <|constrain|> json<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read <|constrain|>json: ${READ}`],
    repairs: ['header-junk'],
  },
  {
    of: 'arguments right behind the recipient',
    text: `<|channel|>commentary to=functions.read${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['missing-message-token'],
  },
  {
    of: 'a namespace without a function, when the arguments fit one',
    text: `<|channel|>commentary to=functions. json<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read json: ${READ}`],
    repairs: ['recipient-empty', 'type-not-recipient', 'recipient-inferred'],
  },
  {
    of: 'a lost recipient whose arguments fit no function',
    text: '<|channel|>analysis<|message|>{"path":1}<|call|>',
    gives: ['reasoning analysis: {"path":1}'],
    repairs: ['stray-token'],
  },
  {
    of: 'arguments that do not say which of two calls is meant',
    text: '<|channel|>commentary to=functions.read<|message|>{"path":"a"}{"path":"b"}<|call|>',
    gives: ['tool_call commentary to=functions.read: {"path":"a"}{"path":"b"}'],
    repairs: ['arguments-not-json'],
  },
  {
    of: 'an object that is cut short inside prose',
    text: '<|channel|>commentary to=functions.grep<|message|>Go: {"pattern":{"a":1}<|call|>',
    gives: ['tool_call commentary to=functions.grep incomplete: Go: {"pattern":{"a":1}'],
    repairs: ['arguments-incomplete'],
  },
  {
    of: 'a fenced list of one object',
    text: `<|channel|>commentary to=functions.read<|message|>\`\`\`json\n[${READ}]\n\`\`\`<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['arguments-unfenced', 'arguments-unwrapped'],
  },
  {
    of: 'a fence for a function that takes text',
    text: '<|channel|>commentary to=functions.patch<|message|>```\n{}\n```<|call|>',
    gives: ['tool_call commentary to=functions.patch: ```\n{}\n```'],
    repairs: [],
  },
  {
    of: 'python, which is enabled',
    text: '<|channel|>analysis to=python code<|message|>print([1)<|call|>',
    builtins: ['python'],
    gives: ['builtin_call analysis to=python code: print([1)'],
    repairs: [],
  },
  {
    of: 'a function of the browser, which is enabled',
    text: '<|channel|>analysis to=browser.open code<|message|>{"id":2}<|call|>',
    builtins: ['browser'],
    gives: ['builtin_call analysis to=browser.open code: {"id":2}'],
    repairs: [],
  },
  {
    of: 'the user as recipient',
    text: '<|channel|>final to=user<|message|>Hi.<|return|>',
    gives: ['text final: Hi.'],
    repairs: ['recipient-dropped'],
  },
  {
    of: 'an answer after an answer, on no channel',
    text: '<|channel|>final<|message|>A<|end|><|start|>assistant<|channel|>x<|message|>B<|end|>',
    gives: ['text final: A', 'reasoning analysis: B'],
    repairs: ['channel-unknown', 'channel-assumed'],
  },
  {
    of: 'text that is cut on no channel, after thoughts and without',
    text: '<|channel|>analysis<|message|>A<|end|><|start|>assistant<|message|>B',
    finish: 'length',
    gives: ['reasoning analysis: A', 'text final incomplete: B'],
    repairs: ['channel-assumed'],
  },
  {
    of: 'text that is cut on no channel, without thoughts',
    text: '<|message|>B',
    finish: 'length',
    gives: ['reasoning analysis incomplete: B'],
    repairs: ['channel-assumed'],
  },
  {
    of: 'an answer that is nothing but a number',
    text: '42<|return|>',
    gives: ['text final: 42'],
    repairs: ['missing-message-token', 'channel-assumed'],
  },
  {
    of: 'a call that ends where the next message starts',
    text: `<|channel|>commentary to=functions.read<|message|>${READ}<|start|>assistant<|channel|>final<|message|>B<|return|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`, 'text final: B'],
    repairs: ['missing-end'],
  },
  {
    of: "a user's turn inside a body, after an answer",
    text: '<|channel|>final<|message|>A<|start|>user<|message|>B<|end|><|start|>assistant<|channel|>final<|message|>C<|return|>',
    gives: ['text final: A'],
    repairs: ['missing-end', 'foreign-role'],
  },
  {
    of: 'the invented result of an undeclared function inside arguments',
    text: `<|channel|>commentary to=functions.nope<|message|>{}<|start|>functions.nope to=assistant<|message|>1<|end|>`,
    gives: ['tool_call commentary to=functions.nope undeclared: {}'],
    repairs: ['tool-undeclared', 'missing-end', 'foreign-role'],
  },
  {
    of: "a tool's name behind a start token inside a body, with no call",
    text: '<|channel|>final<|message|>Not <|start|>read this.<|return|>',
    gives: ['text final: Not ', 'text final: read this.'],
    repairs: ['missing-end', 'missing-role', 'missing-message-token', 'channel-assumed'],
  },
  {
    of: "a user's turn inside a body, without its message token",
    text: '<|channel|>final<|message|>A<|start|>user and more<|return|>',
    gives: ['text final: A'],
    repairs: ['missing-end', 'missing-message-token', 'foreign-role'],
  },
  {
    of: 'a role as a word of prose behind a start token',
    text: '<|channel|>final<|message|>It is <|start|>user. Or <|start|>users<|return|>',
    gives: ['text final: It is <|start|>user. Or <|start|>users'],
    repairs: ['special-as-text', 'special-as-text'],
  },
  {
    of: 'two start tokens and a role inside a body',
    text: '<|channel|>analysis<|message|>A<|start|><|start|>assistant<|channel|>final<|message|>B<|return|>',
    gives: ['reasoning analysis: A', 'text final: B'],
    repairs: ['missing-end', 'duplicate-start'],
  },
  {
    of: 'two start tokens in prose',
    text: '<|channel|>final<|message|>A <|start|><|start|> b<|return|>',
    gives: ['text final: A <|start|><|start|> b'],
    repairs: ['special-as-text', 'special-as-text'],
  },
  {
    of: 'a role behind a start token and a space, inside a body',
    text: '<|channel|>analysis<|message|>A<|start|> assistant<|channel|>final<|message|>B<|return|>',
    gives: ['reasoning analysis: A', 'text final: B'],
    repairs: ['missing-end'],
  },
  {
    of: 'a misspelt channel inside a body, with a message behind it',
    text: '<|channel|>analysis<|message|>A<|channel|> Final<|message|>B<|return|>',
    gives: ['reasoning analysis: A', 'text final: B'],
    repairs: ['missing-end', 'missing-start', 'channel-normalized'],
  },
  {
    of: 'a misspelt channel inside a body, with a recipient behind it',
    text: `<|channel|>analysis<|message|>A<|channel|>comment to=functions.read<|message|>${READ}<|call|>`,
    gives: ['reasoning analysis: A', `tool_call commentary to=functions.read: ${READ}`],
    repairs: ['missing-end', 'missing-start', 'channel-normalized'],
  },
  {
    of: 'a misspelt channel as a word of prose',
    text: '<|channel|>final<|message|>A <|channel|> Final thing.<|return|>',
    gives: ['text final: A <|channel|> Final thing.'],
    repairs: ['special-as-text'],
  },
  {
    of: "a tool's result without a recipient",
    text: '<|channel|>analysis<|message|>A<|end|><|start|>read<|message|>1<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>',
    gives: ['reasoning analysis: A', 'text final: B'],
    repairs: ['foreign-role'],
  },
  {
    of: 'a call by the author, without its message token',
    text: `<|channel|>analysis<|message|>A<|end|><|start|>read ${READ}<|call|>`,
    gives: ['reasoning analysis: A', `tool_call commentary to=functions.read: ${READ}`],
    repairs: ['missing-message-token', 'role-is-recipient', 'recipient-normalized', 'channel-assumed'],
  },
  {
    of: "a user's turn without its start token",
    text: '<|channel|>analysis<|message|>A<|end|>user<|message|>C<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>',
    gives: ['reasoning analysis: A', 'text final: B'],
    repairs: ['missing-start', 'foreign-role'],
  },
  {
    of: 'two recipients of which the first can be called',
    text: `<|channel|>commentary to=functions.read to=assistant<|message|>${READ}<|end|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['duplicate-recipient', 'call-not-closed'],
  },
  {
    of: 'a recipient glued to the content type',
    text: `<|channel|>commentary <|constrain|>jsonto=functions.grep<|message|>{}<|call|>`,
    gives: ['tool_call commentary to=functions.grep <|constrain|>json: {}'],
    repairs: ['constrain-order'],
  },
  {
    of: 'a recipient glued to a plain content type',
    text: `<|channel|>commentary codeto=functions.grep<|message|>{}<|call|>`,
    gives: ['tool_call commentary to=functions.grep code: {}'],
    repairs: ['constrain-order'],
  },
  {
    of: 'a recipient glued to marks',
    text: `<|channel|>commentary ?to=functions.grep<|message|>{}<|call|>`,
    gives: ['tool_call commentary to=functions.grep: {}'],
    repairs: ['header-junk'],
  },
  {
    of: 'a lost recipient whose arguments stand in a fence',
    text: `<|channel|>commentary<|message|>\`\`\`json\n${READ}\n\`\`\`<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['recipient-inferred', 'arguments-unfenced'],
  },
  {
    of: 'a lost recipient with words around its arguments, which are for the user',
    text: `<|channel|>commentary<|message|>I read ${READ}<|call|>`,
    gives: [`text commentary: I read ${READ}`],
    repairs: ['stray-token'],
  },
  {
    of: 'a lost recipient that an enum of numbers and an open object inside decide',
    text: '<|channel|>commentary<|message|>{"level":2,"tags":{"any":"key"}}<|call|>',
    tools: ([1, 2] as const).map((level) => ({
      name: `set_${level}`,
      parameters: { type: 'object', properties: { level: { enum: [level] }, tags: { type: 'object' } } },
    })),
    gives: ['tool_call commentary to=functions.set_2: {"level":2,"tags":{"any":"key"}}'],
    repairs: ['recipient-inferred'],
  },
  {
    of: 'a lost recipient among functions whose schemas leave out that they are objects',
    text: '<|channel|>commentary<|message|>{"b":2}<|call|>',
    tools: ['a', 'b'].map((key) => ({ name: `set_${key}`, parameters: { properties: { [key]: {} } } })),
    gives: ['tool_call commentary to=functions.set_b: {"b":2}'],
    repairs: ['recipient-inferred'],
  },
  {
    of: 'a lost recipient when the one function takes anything',
    text: '<|channel|>commentary<|message|>{"b":2}<|call|>',
    tools: [{ name: 'any', parameters: {} }, { name: 'none' }],
    gives: ['tool_call commentary to=functions.any: {"b":2}'],
    repairs: ['recipient-inferred'],
  },
  {
    of: 'arguments in a header that is cut',
    text: '<|channel|>commentary to=functions.read json{"pa',
    finish: 'length',
    gives: ['tool_call commentary to=functions.read json incomplete: {"pa'],
    repairs: ['header-incomplete', 'missing-message-token', 'arguments-incomplete'],
  },
  {
    of: 'arguments in a header that break off',
    text: '<|channel|>commentary to=functions.read {"pa<|end|>',
    gives: ['tool_call commentary to=functions.read incomplete: {"pa'],
    repairs: ['missing-message-token', 'call-not-closed', 'arguments-incomplete'],
  },
  {
    of: 'words in the header of a call that is cut',
    text: '<|channel|>commentary to=functions.read I will read',
    finish: 'length',
    gives: ['text commentary incomplete: I will read'],
    repairs: ['header-incomplete', 'missing-message-token', 'call-aborted'],
  },
  {
    of: 'a content type that is cut',
    text: '<|channel|>commentary to=functions.read js',
    finish: 'length',
    gives: [],
    repairs: ['header-incomplete'],
  },
  {
    of: 'a second call behind the first, without start and channel tokens',
    text: `<|channel|>commentary to=functions.read<|message|>${READ}<|call|>commentary to=functions.grep json<|message|>{}<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`, 'tool_call commentary to=functions.grep json: {}'],
    repairs: ['missing-start', 'missing-channel-token'],
  },
  {
    of: 'arguments whose number is no integer',
    text: '<|channel|>analysis<|message|>{"count":1.5}<|call|>',
    gives: ['reasoning analysis: {"count":1.5}'],
    repairs: ['stray-token'],
  },
  {
    of: 'an unknown word before the recipient, which is no content type',
    text: `<|channel|>commentary please to=functions.read<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['header-junk'],
  },
  {
    of: 'an unknown word behind the recipient, which is a content type',
    text: `<|channel|>commentary to=functions.read yaml<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read yaml: ${READ}`],
    repairs: [],
  },
  {
    of: 'another case, when only one function has the name',
    text: `<|channel|>commentary to=functions.READ<|message|>${READ}<|call|>`,
    gives: [`tool_call commentary to=functions.read: ${READ}`],
    repairs: ['recipient-normalized'],
  },
  {
    of: 'another case, when two functions differ by it',
    text: '<|channel|>commentary to=functions.LIST<|message|>{}<|call|>',
    tools: [{ name: 'list' }, { name: 'List' }],
    gives: ['tool_call commentary to=functions.LIST undeclared: {}'],
    repairs: ['tool-undeclared'],
  },
  {
    of: 'nothing at all',
    text: '',
    gives: [],
    repairs: ['empty-message'],
  },
  {
    of: 'an empty answer',
    text: '<|channel|>final<|message|><|return|>',
    gives: ['text final: '],
    repairs: [],
  },
  {
    of: 'a recipient although nobody can be called',
    text: `<|channel|>analysis to=functions.read<|message|>${READ}<|call|>`,
    tools: [],
    gives: [`reasoning analysis: ${READ}`],
    repairs: ['recipient-without-tools', 'stray-token'],
  },
];

for (const { of, text, gives, repairs, finish, builtins, tools: own } of cases) {
  test(`recovers ${of}`, () => {
    const options = { tools: own ?? tools, builtins: builtins ?? [], finish: finish ?? 'stop' };
    const recovered = recover(tokenizer.encodeWithSpecials(text), tokenizer, options);
    assert.deepEqual(recovered.messages.map(line), gives);
    assert.deepEqual(recovered.repairs.map(({ code }) => code).sort(), [...repairs].sort());
  });
}

test('ids outside the vocabulary are replacement characters, each named', () => {
  const ids = [...tokenizer.encodeWithSpecials('<|channel|>final<|message|>a'), 999_999, ...tokenizer.encode('b')];
  const { messages, repairs } = recover(ids, tokenizer);
  assert.deepEqual(messages.map(line), ['text final: a\ufffdb']);
  assert.deepEqual(repairs, [{ code: 'stray-token', detail: '999999' }]);
});

test('what is left out is in the repairs', () => {
  const text = '<|channel|>final<|message|>A<|return|><|start|>assistant<|channel|>final<|message|>B';
  const { repairs } = recover(tokenizer.encodeWithSpecials(text), tokenizer);
  assert.deepEqual(repairs, [{ code: 'after-return', dropped: '<|start|>assistant<|channel|>final<|message|>B' }]);
});
