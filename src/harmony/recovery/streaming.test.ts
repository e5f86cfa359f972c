import assert from 'node:assert/strict';
import { test } from 'node:test';
import { o200kHarmony } from '../../tokenizer/index.ts';
import { RecoveringParser, type RecoveringParserOptions } from './parser.ts';

const tokenizer = o200kHarmony();
const tools = [
  { name: 'get_tide', parameters: { type: 'object', properties: { port: { type: 'string' } }, required: ['port'] } },
  { name: 'log', parameters: { type: 'string' } },
];

/** What has become visible after each piece of the model's text: `start`s by surface, deltas as they are. */
function shown(pieces: readonly string[], options: RecoveringParserOptions = { tools }): string[] {
  const parser = new RecoveringParser(tokenizer, options);
  const show = (event: ReturnType<RecoveringParser['push']>[number]) => {
    if (event.type === 'start') return `[${event.surface}${event.tool === undefined ? '' : ` ${event.tool}`}]`;
    if (event.type === 'delta') return event.text;
    return event.type === 'repair' ? '' : `[${event.type}]`;
  };
  const steps = pieces.map((piece) => tokenizer.encodeWithSpecials(piece).flatMap((id) => parser.push(id)));
  return [...steps, parser.end('stop')].map((events) => events.map(show).join(''));
}

test('thoughts and answers stream token by token', () => {
  const pieces = [
    '<|channel|>analysis<|message|>',
    'Add',
    ' them.',
    '<|end|><|start|>assistant<|channel|>final',
    '<|message|>',
    '12',
  ];
  assert.deepEqual(shown(pieces), ['[reasoning]', 'Add', ' them.', '[end]', '[text]', '12', '[end]']);
});

test('arguments stream up to the end of their object, and junk behind it never shows', () => {
  const pieces = ['<|channel|>commentary to=functions.get_tide<|message|>', '{"port":', '"Brest"}', ' ]', '<|call|>'];
  assert.deepEqual(shown(pieces), ['[tool_call get_tide]', '{"port":', '"Brest"}', '', '[end]', '']);
});

test('white space behind complete arguments shows once nothing else followed', () => {
  const pieces = ['<|channel|>commentary to=functions.get_tide<|message|>', '{}', '\n', '<|call|>'];
  assert.deepEqual(shown(pieces), ['[tool_call get_tide]', '{}', '', '\n[end]', '']);
});

test('fenced arguments wait for their end', () => {
  const pieces = [
    '<|channel|>commentary to=functions.get_tide<|message|>',
    '```json\n{"port":"x"}',
    '\n```',
    '<|call|>',
  ];
  assert.deepEqual(shown(pieces), ['[tool_call get_tide]', '', '', '{"port":"x"}[end]', '']);
});

test('plain text for a function that takes text streams', () => {
  const pieces = ['<|channel|>commentary to=functions.log<|message|>', 'wind', ' [5]', '<|call|>'];
  assert.deepEqual(shown(pieces), ['[tool_call log]', 'wind', ' [5]', '[end]', '']);
});

test('text of an unknown channel waits until the next message tells what it is', () => {
  const pieces = [
    '<|channel|>musing<|message|>',
    'Hm.',
    '<|end|>',
    '<|start|>assistant<|channel|>final',
    '<|message|>',
    'Yes.',
  ];
  assert.deepEqual(shown(pieces), ['', '', '', '', '[reasoning]Hm.[end][text]', 'Yes.', '[end]']);
});

test('a thought that could be arguments waits as long as it could, and no longer', () => {
  const thought = ['<|channel|>analysis<|message|>', '{"a', '": 1} is', ' odd', '<|end|>'];
  assert.deepEqual(shown(thought), ['[reasoning]', '', '{"a": 1} is', ' odd', '[end]', '']);
  assert.deepEqual(shown(thought, {}), ['[reasoning]', '{"a', '": 1} is', ' odd', '[end]', '']);
});

test('an answer in JSON streams, and is retracted only when it turns out to be a call', () => {
  const answer = ['<|channel|>final<|message|>', '{"port":', '"Brest"}'];
  assert.deepEqual(shown([...answer, '<|return|>']), ['[text]', '{"port":', '"Brest"}', '[end]', '']);
  const call = '[retract][tool_call get_tide]{"port":"Brest"}[end]';
  assert.deepEqual(shown([...answer, '<|call|>']), ['[text]', '{"port":', '"Brest"}', call, '']);
});

test('a start token inside a body waits for the word that tells what it is', () => {
  const literal = ['<|channel|>final<|message|>', 'Opens with ', '<|start|>', ' and', ' so'];
  assert.deepEqual(shown(literal), ['[text]', 'Opens with ', '', '<|start|> and', ' so', '[end]']);
  const opens = [
    '<|channel|>analysis<|message|>',
    'Hm',
    '<|start|>',
    'assistant',
    '<|channel|>final<|message|>',
    'Yes',
  ];
  assert.deepEqual(shown(opens), ['[reasoning]', 'Hm', '', '', '[end][text]', 'Yes', '[end]']);
});

test('half a character never shows', () => {
  const parser = new RecoveringParser(tokenizer);
  const texts = tokenizer.encodeWithSpecials('<|channel|>final<|message|>🪼!').flatMap((id) => {
    const text = parser.push(id).map((event) => (event.type === 'delta' ? event.text : ''));
    return text.join('') === '' ? [] : [text.join('')];
  });
  assert.deepEqual(texts, ['🪼', '!']);
});

test('a body of 300,000 tokens is read in linear time', () => {
  const started = performance.now();
  for (const [header, token] of [
    ['<|channel|>analysis<|message|>', ' '],
    ['<|channel|>commentary to=functions.get_tide<|message|>{"a":', '1'],
    ['', 'word '],
    ['<|channel|>final<|message|><|start|>user', ' '],
    ['<|channel|>', '<|constrain|>'],
  ] as const) {
    const parser = new RecoveringParser(tokenizer, { tools });
    const [id] = tokenizer.encodeWithSpecials(token);
    for (const head of tokenizer.encodeWithSpecials(header)) parser.push(head);
    for (let i = 0; i < 300_000; i++) parser.push(id!);
    parser.end('length');
  }
  const seconds = (performance.now() - started) / 1000;
  assert.ok(seconds < 20, `took ${seconds} s`);
});
