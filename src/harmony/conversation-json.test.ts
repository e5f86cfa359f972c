import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OssiaError } from '../base/index.ts';
import { conversationFromJson, renderOptionsFromJson } from './conversation-json.ts';

const developer = (tools: unknown) => ({
  messages: [{ role: 'developer', content: [{ type: 'developer_content', tools }] }],
});

const bad: readonly [name: string, value: unknown, message: string][] = [
  ['a list', [], 'Cannot read the conversation: expected an object, found a list'],
  ['no messages', {}, 'Cannot read messages: expected a list, found undefined'],
  [
    'an unknown role',
    {
      messages: [
        { role: 'user', content: '' },
        { role: 'bot', content: '' },
      ],
    },
    'Cannot read messages[1].role: expected "system", "developer", "user", "assistant", "tool", found "bot"',
  ],
  [
    'no content',
    { messages: [{ role: 'user' }] },
    'Cannot read messages[0].content: expected a string or a list of parts, found undefined',
  ],
  [
    'an unknown part',
    { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
    'Cannot read messages[0].content[0].type: expected "text", "system_content", "developer_content", found "image"',
  ],
  [
    'a number for a channel',
    { messages: [{ role: 'user', content: '', channel: 7 }] },
    'Cannot read messages[0].channel: expected a string, found 7',
  ],
  [
    'a tool without description',
    developer({ functions: { name: 'functions', tools: [{ name: 'f' }] } }),
    'Cannot read messages[0].content[0].tools.functions.tools[0].description: expected a string, found undefined',
  ],
  [
    'an absurd repetition',
    { messages: [{ role: 'user', content: { $repeat: { text: 'abc', times: 1e9 } } }] },
    'Cannot read messages[0].content.$repeat: expected at most 16777216 characters, found an object',
  ],
];

for (const [name, value, message] of bad) {
  test(`refuses ${name} and names the path`, () => {
    assert.throws(
      () => conversationFromJson(value),
      (error) => error instanceof OssiaError && error.code === 'harmony/bad-conversation' && error.message === message,
    );
  });
}

test('null fields are left out, also those of system content', () => {
  const system = { type: 'system_content', model_identity: null, reasoning_effort: 'High', channel_config: null };
  const value = { messages: [{ role: 'system', name: null, content: [system] }] };
  assert.deepEqual(conversationFromJson(value), {
    messages: [{ role: 'system', content: [{ type: 'system', reasoningEffort: 'high' }] }],
  });
});

test('options are official unless they say otherwise', () => {
  const official = { mode: 'conversation', history: 'official', callOrder: 'official', hasFunctionTools: false };
  assert.deepEqual(renderOptionsFromJson(undefined), official);
  assert.deepEqual(renderOptionsFromJson({ auto_drop_analysis: false }), { ...official, history: 'keep' });
  const own = { mode: 'completion', next_role: 'user', history: 'per-turn', call_order: 'model' };
  assert.deepEqual(renderOptionsFromJson(own), {
    ...official,
    mode: 'completion',
    nextRole: 'user',
    history: 'per-turn',
    callOrder: 'model',
  });
  assert.throws(() => renderOptionsFromJson({ mode: 'chat' }), /Cannot read options.mode: expected "completion"/);
});
