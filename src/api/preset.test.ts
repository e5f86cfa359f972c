import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withPreset } from './preset.ts';

const preset = { system: 'Talk like a pirate.', parameters: { temperature: 0.1, stop: ['Arr'] } };

test('a preset stands where the request says nothing', () => {
  const messages = [{ role: 'user', content: 'Hello' }] as const;
  const options = { temperature: undefined, seed: 7 } as unknown as { seed: number };
  assert.deepEqual(withPreset({ preset }, messages, options), {
    messages: [{ role: 'system', content: 'Talk like a pirate.' }, ...messages],
    options: { temperature: 0.1, stop: ['Arr'], seed: 7 },
  });
  assert.deepEqual(withPreset({ preset }, messages, { temperature: 0 }).options, { temperature: 0, stop: ['Arr'] });
});

test('instructions of the request stand in the place of the preset’s', () => {
  for (const role of ['system', 'developer'] as const) {
    const messages = [
      { role, content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
    ] as const;
    assert.deepEqual(withPreset({ preset }, messages, {}).messages, messages);
  }
});

test('no preset, no change', () => {
  const [messages, options] = [[{ role: 'user', content: 'Hello' } as const], { seed: 1 }];
  assert.deepEqual(withPreset({}, messages, options), { messages, options });
});
