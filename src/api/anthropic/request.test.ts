import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Seal } from '../seal.ts';
import { validate } from '../validate.ts';
import { displayOf, toPrompt, toSampling } from './request.ts';
import { messagesRequest } from './schema.ts';

const seal = new Seal();
const request = (more: object) =>
  validate(messagesRequest, { model: 'm', max_tokens: 100, messages: [{ role: 'user', content: 'Hi' }], ...more });
const history = (messages: readonly object[], more: object = {}) =>
  toPrompt(request({ messages, ...more }), seal).history;

test('what a turn left behind comes back as it was: thoughts, remarks, calls and their results', () => {
  const messages = [
    { role: 'user', content: [{ type: 'text', text: 'Weather?' }] },
    {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: '', signature: seal.close('They want rain.') },
        { type: 'text', text: 'Let me look.' },
        { type: 'tool_use', id: 'toolu_1', name: 'f', input: { city: 'Paris' }, cache_control: { type: 'ephemeral' } },
      ],
    },
    {
      role: 'user',
      content: [
        {
          type: 'tool_result',
          tool_use_id: 'toolu_1',
          content: [{ type: 'text', text: 'no such city' }],
          is_error: true,
        },
        { type: 'text', text: 'And now?' },
        { type: 'text', text: 'Hm?' },
      ],
    },
  ];
  assert.deepEqual(history(messages, { system: [{ type: 'text', text: 'Be brief.' }] }), [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Weather?' },
    {
      role: 'assistant',
      content: 'Let me look.',
      reasoning: 'They want rain.',
      toolCalls: [{ id: 'call_1', name: 'f', arguments: '{"city":"Paris"}' }],
    },
    { role: 'tool', toolCallId: 'call_1', content: 'Error: no such city' },
    { role: 'user', content: 'And now?\n\nHm?' },
  ]);
});

test('thoughts with a foreign signature stand as they are, redacted ones are left out', () => {
  const content = [
    { type: 'thinking', thinking: 'Elsewhere.', signature: 'EqoBCkYIARgC' },
    { type: 'redacted_thinking', data: 'x' },
    { type: 'text', text: 'Hello' },
  ];
  const messages = [
    { role: 'assistant', content },
    { role: 'user', content: 'Go on' },
  ];
  assert.deepEqual(history(messages)[0], { role: 'assistant', content: 'Hello', reasoning: 'Elsewhere.' });
});

test("a thought under this server's signature is the model's own, whatever became of its text", () => {
  const content = [{ type: 'thinking', thinking: 'Something else', signature: seal.close('My own.') }];
  const messages = [
    { role: 'assistant', content },
    { role: 'user', content: 'Go on' },
  ];
  assert.deepEqual(history(messages)[0], { role: 'assistant', reasoning: 'My own.' });
});

test("Claude Code's billing line is no instruction, as text, block or alone", () => {
  const line = 'x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=36ee5;';
  const user = { role: 'user', content: 'Hi' };
  const block = (text: string) => ({ type: 'text', text });
  const brief = { role: 'system', content: 'Be brief.' };
  assert.deepEqual(history([user], { system: `${line}\nBe brief.` }), [brief, user]);
  assert.deepEqual(history([user], { system: [block(line), block('Be brief.')] }), [brief, user]);
  assert.deepEqual(history([user], { system: line }), [user]);
  assert.deepEqual(history([{ role: 'user', content: line }]), [{ role: 'user', content: line }]);
});

test('documents of text are read, and what is no text is refused by its place, except in results', () => {
  const image = { type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } };
  const document = {
    type: 'document',
    title: 'Notes',
    source: { type: 'text', media_type: 'text/plain', data: 'One.' },
  };
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'AAAA' } };
  assert.deepEqual(history([{ role: 'user', content: [document] }]), [{ role: 'user', content: 'Notes\nOne.' }]);
  for (const part of [image, pdf]) {
    const content = [{ type: 'text', text: 'Look' }, part];
    assert.throws(() => history([{ role: 'user', content }]), {
      code: 'api/bad-request',
      message: /messages\[0\]\.content\[1\]/,
    });
  }
  const result = { type: 'tool_result', tool_use_id: 'toolu_1', content: [image] };
  const call = { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: {} }] };
  const answered = history([call, { role: 'user', content: [result] }]);
  assert.match(String(answered[1]!.content), /image.*text only/);
  const orphan = [{ role: 'user', content: [result] }, call, { role: 'user', content: 'Hm?' }];
  assert.throws(() => history(orphan), {
    details: { param: 'messages[0].content[0].tool_use_id' },
    message: /toolu_1/,
  });
});

test('thinking becomes effort, a bound and what is shown', () => {
  const of = (more: object) => {
    const asked = request(more);
    const { effort, maxReasoningTokens } = toPrompt(asked, seal).options;
    return [effort, maxReasoningTokens, displayOf(asked), toSampling(asked).reserve];
  };
  assert.deepEqual(of({}), [undefined, undefined, 'none', 50]);
  assert.deepEqual(of({ thinking: { type: 'disabled' } }), ['low', 0, 'none', undefined]);
  assert.deepEqual(of({ thinking: { type: 'adaptive' } }), [undefined, undefined, 'shown', undefined]);
  assert.deepEqual(of({ thinking: { type: 'enabled', budget_tokens: 2000 } }), [undefined, 2000, 'shown', undefined]);
  assert.deepEqual(of({ thinking: { type: 'enabled', budget_tokens: 31_999 } }), ['high', 31_999, 'shown', undefined]);
  assert.deepEqual(of({ thinking: { type: 'adaptive', display: 'omitted' }, output_config: { effort: 'max' } }), [
    'high',
    undefined,
    'omitted',
    undefined,
  ]);
});

test('tools that only Anthropic runs are named as ignored, and cannot be required', () => {
  const tools = [
    { name: 'f', input_schema: { type: 'object' }, strict: true },
    { type: 'custom', name: 'g', description: 'Does g.', input_schema: { type: 'object' } },
    { type: 'web_search_20250305', name: 'web_search' },
    { type: 'mcp_toolset', mcp_server_name: 'x' },
  ];
  const { options, ignoredTools } = toPrompt(request({ tools, tool_choice: { type: 'tool', name: 'g' } }), seal);
  assert.deepEqual(ignoredTools, ['web_search', 'mcp_toolset']);
  assert.deepEqual(options.toolChoice, { name: 'g' });
  assert.deepEqual(options.tools, [
    { name: 'f', parameters: { type: 'object' }, strict: true },
    { name: 'g', parameters: { type: 'object' }, description: 'Does g.' },
  ]);
  const choice = { tool_choice: { type: 'tool', name: 'web_search' } };
  assert.throws(() => toPrompt(request({ tools, ...choice }), seal), { details: { param: 'tool_choice.name' } });
});

test('nulls say nothing', () => {
  const nothing = { system: null, tools: null, tool_choice: null, thinking: null, stop_sequences: null, top_k: null };
  const asked = request({
    ...nothing,
    temperature: null,
    stream: null,
    metadata: { user_id: null },
    output_config: null,
  });
  assert.deepEqual(toPrompt(asked, seal).options, {});
  assert.deepEqual(toSampling(asked), { maxTokens: 100, reserve: 50 });
});

test('tools that clients carry out are told with the schema that Anthropic has for them', () => {
  const tools = [
    { type: 'bash_20250124', name: 'bash' },
    { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool', max_characters: 10_000 },
    { type: 'text_editor_20250124', name: 'str_replace_editor' },
    { type: 'memory_20250818', name: 'memory' },
    { type: 'computer_20250124', name: 'computer', display_width_px: 1, display_height_px: 1 },
  ];
  const { options, ignoredTools } = toPrompt(request({ tools }), seal);
  assert.deepEqual(ignoredTools, ['computer']);
  const commands = Object.fromEntries(
    (options.tools ?? []).map(({ name, parameters }) => {
      const { properties } = parameters as { properties: Record<string, { type?: string; enum?: string[] }> };
      return [name, properties.command?.enum ?? properties.command?.type];
    }),
  );
  assert.deepEqual(commands, {
    bash: 'string',
    str_replace_based_edit_tool: ['view', 'create', 'str_replace', 'insert'],
    str_replace_editor: ['view', 'create', 'str_replace', 'insert', 'undo_edit'],
    memory: ['view', 'create', 'str_replace', 'insert', 'delete', 'rename'],
  });
});
