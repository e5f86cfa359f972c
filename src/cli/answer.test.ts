import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChatEvent } from '../index.ts';
import { showText } from './answer.ts';
import { Channel, type Terminal } from './terminal.ts';

/** Streams that keep what is written, on terminals or not. */
function fakeTerminal(isTTY: boolean) {
  const written = { out: '', err: '' };
  const channel = (name: 'out' | 'err') => {
    const write = (text: string) => {
      written[name] += text;
    };
    return new Channel({ isTTY, write, columns: 80 } as unknown as NodeJS.WriteStream, isTTY);
  };
  const terminal: Terminal = { out: channel('out'), err: channel('err'), interactive: isTTY };
  return { terminal, written };
}

function text(content: string, channel: 'final' | 'commentary' = 'final'): ChatEvent[] {
  return [
    { type: 'text', delta: content, channel },
    { type: 'message', message: { role: 'assistant', channel, content, surface: 'text' } },
  ];
}

const end: ChatEvent = {
  type: 'end',
  reason: 'stop',
  repairs: [],
  messages: [{ role: 'assistant', content: 'x' }],
  seed: 1,
  timing: { queueMs: 0, prefillMs: 0, decodeMs: 0 },
};

function show(isTTY: boolean, events: readonly ChatEvent[], hideReasoning = false) {
  const { terminal, written } = fakeTerminal(isTTY);
  const shower = showText(terminal, { hideReasoning });
  for (const event of events) shower(event);
  return written;
}

const thought: ChatEvent[] = [
  { type: 'reasoning', delta: 'Hm.' },
  { type: 'message', message: { role: 'assistant', channel: 'analysis', content: 'Hm.', surface: 'reasoning' } },
];

test('a pipe gets whole messages of the answer and nothing that was taken back', () => {
  const taken: ChatEvent[] = [{ type: 'text', delta: 'not an answer', channel: 'final' }, { type: 'retract' }];
  const { out, err } = show(false, [
    ...thought,
    ...taken,
    ...text('Let me see.', 'commentary'),
    ...text('Done\n  here'),
    end,
  ]);
  assert.equal(out, 'Let me see.\nDone\n  here\n');
  assert.equal(err, '');
});

test('a terminal gets thoughts dimmed, an empty line, and the answer plain', () => {
  const { out } = show(true, [...thought, ...text('Yes.'), end]);
  assert.equal(out, '\x1b[2mHm.\x1b[22m\n\nYes.\n');
  assert.equal(show(true, [...thought, ...text('Yes.'), end], true).out, 'Yes.\n');
});

test('escape sequences that a model writes are shown and not obeyed', () => {
  const evil = '\x1b]0;title\x07\x1b[2J\r\x9b31mred\ttab\n';
  const { out } = show(true, [...text(evil), end]);
  assert.equal(out, '\\x1b]0;title\\x07\\x1b[2J\\x9b31mred\ttab\n');
  assert.equal(show(false, [...text(evil), end]).out, `${evil}\n`); // a pipe gets the text as it is
});

test('a call is framed on a terminal and a JSON line elsewhere, whatever its arguments are', () => {
  const call = (text: string, status: 'complete' | 'incomplete' | 'undeclared' = 'complete'): ChatEvent => ({
    type: 'tool_call',
    id: 'call_1',
    name: 'f',
    arguments: text,
    status,
  });
  assert.deepEqual(JSON.parse(show(false, [call('{"a":\n1}')]).out), { name: 'f', arguments: { a: 1 } });
  assert.deepEqual(JSON.parse(show(false, [call('{"a":')]).out), { name: 'f', arguments: '{"a":' });
  assert.match(show(true, [call('{"a":', 'incomplete')]).out, /call f \(cut short\)[\s\S]*\{"a":/);
  assert.match(show(true, [call('{}', 'undeclared')]).out, /call f \(not declared\)/);
});

test('an answer that was cut, or did not come, is said so on standard error', () => {
  assert.match(show(false, [...text('half'), { ...end, reason: 'length' }]).err, /cut/);
  assert.match(show(false, [{ ...end, messages: [] }]).err, /no answer/);
  assert.match(show(false, [{ ...end, truncated: { messages: 4, tokens: 90 } }]).err, /oldest 4 messages/);
  assert.match(show(false, [{ ...end, reasoningCut: 'loop' }]).err, /in circles/);
  assert.ok(!show(false, [{ ...end, reasoningCut: 'budget' }]).err.includes('note'));
});
