import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ScriptedModel, scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { type Body, type Refusal, ResponsesClient, type Whole } from '../support/responses-client.ts';
import { testServer } from '../support/server.ts';

const done = '<|channel|>final<|message|>Done.<|return|>';
const call = (name: string, written: string) =>
  `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${written}<|call|>`;
const parameters = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const read = { type: 'function', name: 'read', description: 'Reads a file.', parameters };

interface Asked {
  readonly response: Whole;
  /** What the model was given. */
  readonly prompt: string;
  readonly params: ScriptedModel['engine']['requests'][number]['params'];
}

/** One turn of a script, streamed; what was sent back has to be in order. */
async function ask(body: object, turn = done): Promise<Asked> {
  const model = scriptedModel(o200kHarmony(), [turn]);
  const server = await testServer({ model });
  try {
    const { response } = await new ResponsesClient(server).stream(body);
    assert.equal(server.host.leases, 0);
    const [{ prompt, params }] = model.engine.requests as [ScriptedModel['engine']['requests'][number]];
    return { response, prompt: model.tokenizer.decode(prompt), params };
  } finally {
    await server.close();
  }
}

async function refused(body: object): Promise<Refusal> {
  const model = scriptedModel(o200kHarmony(), [done]);
  const server = await testServer({ model });
  try {
    const refusal = await new ResponsesClient(server).refused('', body);
    assert.equal(model.engine.requests.length, 0, 'nothing was computed');
    assert.equal(server.host.leases, 0);
    return refusal;
  } finally {
    await server.close();
  }
}

test('a call of a function in a namespace has the namespace beside its plain name', async () => {
  const tools = [
    { type: 'namespace', name: 'mcp__files__', description: 'Files of this machine.', tools: [read] },
    read,
  ];
  const { response, prompt } = await ask({ input: 'Go', tools }, call('mcp__files__read', '{"path":"a"}'));
  assert.match(prompt, /\/\/ Files of this machine\.\n\/\/\s*\n\/\/ Reads a file\.\ntype mcp__files__read = /);
  const [item] = response.output;
  assert.deepEqual([item?.type, item?.name, item?.namespace], ['function_call', 'read', 'mcp__files__']);
  const again = await ask({ input: [{ role: 'user', content: 'Go' }, ...response.output], tools });
  assert.match(again.prompt, /to=functions\.mcp__files__read/);
  assert.deepEqual(again.response.tools, tools);
});

test('a custom tool takes plain text, and its grammar is told', async () => {
  const format = { type: 'grammar', syntax: 'lark', definition: 'start: "x"' };
  const tools = [{ type: 'custom', name: 'apply_patch', description: 'Patches files.', format }];
  const patch = '*** Begin Patch\n"quoted" {\n';
  const { response, prompt } = await ask({ input: 'Go', tools }, call('apply_patch', patch));
  assert.match(prompt, /Patches files\./);
  assert.match(prompt, /lark grammar:\n\/\/ start: "x"\ntype apply_patch = \(_: string\)/);
  const [item] = response.output;
  assert.deepEqual([item?.type, item?.name, item?.input], ['custom_tool_call', 'apply_patch', patch]);
  assert.deepEqual(
    (response.ossia as { notes: { tool: string }[] }).notes.map(({ tool }) => tool),
    ['apply_patch'],
  );
  assert.match(item?.id ?? '', /^ctc_/);
  const output = { type: 'custom_tool_call_output', call_id: item?.call_id, output: 'Applied' };
  const again = await ask({ input: [{ role: 'user', content: 'Go' }, ...response.output, output], tools });
  assert.ok(again.prompt.includes(patch));
  assert.match(again.prompt, /functions\.apply_patch to=assistant.*Applied/s);
});

test('tools that run elsewhere are accepted, echoed, and not offered', async () => {
  const types = [
    'web_search',
    'web_search_preview',
    'file_search',
    'mcp',
    'image_generation',
    'code_interpreter',
    'local_shell',
    'shell',
    'tool_search',
    'computer_use_preview',
    'apply_patch',
    'of_tomorrow',
  ];
  const tools = types.map((type) => ({ type }));
  const { response, prompt } = await ask({ input: 'Go', tools });
  assert.deepEqual(response.tools, tools);
  assert.doesNotMatch(prompt, /# Tools/);
});

test('a choice of tools reaches the turn', async () => {
  const write = { ...read, name: 'write' };
  const constraintOf = async (choice: unknown, turn?: string) => {
    const { params, response } = await ask({ input: 'Go', tools: [read, write], tool_choice: choice }, turn);
    assert.deepEqual(response.tool_choice, choice);
    const { toolChoice, tools } = params.constraint as { toolChoice?: unknown; tools: { name: string }[] };
    return [toolChoice, tools.map(({ name }) => name)];
  };
  assert.deepEqual(await constraintOf('auto'), [undefined, ['read', 'write']]);
  assert.deepEqual(await constraintOf('none'), ['none', ['read', 'write']]);
  const reads = call('read', '{"path":"a"}');
  assert.deepEqual(await constraintOf('required', reads), ['required', ['read', 'write']]);
  assert.deepEqual(await constraintOf({ type: 'function', name: 'read' }, reads), [
    { name: 'read' },
    ['read', 'write'],
  ]);
  const allowed = { type: 'allowed_tools', mode: 'required', tools: [{ type: 'function', name: 'read' }] };
  assert.deepEqual(await constraintOf(allowed, reads), ['required', ['read']]);
});

test('items of an input become the conversation that they tell', async () => {
  const input = [
    {
      type: 'message',
      role: 'developer',
      content: [
        { type: 'input_text', text: 'One.' },
        { type: 'input_text', text: 'Two.' },
      ],
    },
    { role: 'system', content: 'Three.' },
    { role: 'user', content: 'Read a.', id: null, status: null },
    {
      type: 'reasoning',
      id: 'rs_1',
      summary: [],
      content: [{ type: 'reasoning_text', text: 'I will.' }],
      encrypted_content: null,
    },
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Let me.', annotations: [] }] },
    { type: 'function_call', call_id: 'c1', name: 'read', arguments: '{"path":"a"}', status: 'completed' },
    { type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'x' } },
    {
      type: 'function_call_output',
      call_id: 'c1',
      output: [
        { type: 'input_text', text: 'It says b.' },
        { type: 'input_image', image_url: 'data:' },
      ],
    },
    { type: 'of_tomorrow', anything: [1] },
  ];
  const { prompt } = await ask({ input, instructions: 'Zero.', tools: [read] });
  const conversation = prompt.slice(prompt.indexOf('<|start|>user'));
  assert.match(prompt, /Zero\.\n\nOne\.\nTwo\.\n\nThree\./);
  assert.equal(
    conversation,
    '<|start|>user<|message|>Read a.<|end|>' +
      '<|start|>assistant<|channel|>analysis<|message|>I will.<|end|>' +
      '<|start|>assistant<|channel|>commentary<|message|>Let me.<|end|>' +
      '<|start|>assistant<|channel|>commentary to=functions.read <|constrain|>json<|message|>{"path":"a"}<|call|>' +
      '<|start|>functions.read to=assistant<|channel|>commentary<|message|>It says b.\n' +
      '[image left out: this model reads text only]<|end|><|start|>assistant',
  );
});

test('names that JavaScript knows are names like all others', async () => {
  const names = ['__proto__', 'constructor', 'toString'];
  const input = names.flatMap((name) => [
    { type: name },
    { type: 'message', id: name, role: 'user', content: name },
    { type: 'function_call', id: name, call_id: name, name, arguments: '{}' },
    { type: 'function_call_output', id: name, call_id: name, output: name },
  ]);
  const tools = names.map((name) => ({ ...read, name }));
  const { response } = await ask({ input, tools, metadata: { constructor: 'x' } }, call('constructor', '{"path":"a"}'));
  assert.equal(response.output[0]?.name, 'constructor');
  assert.deepEqual(response.metadata, { constructor: 'x' });
});

test('a refusal and a message of two parts are read as text', async () => {
  const input = [
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'A' },
        { type: 'input_text', text: 'B' },
      ],
    },
    { role: 'assistant', content: [{ type: 'refusal', refusal: 'No.' }] },
    { role: 'user', content: 'C' },
  ];
  const { prompt } = await ask({ input });
  assert.match(prompt, /A\nB<\|end\|><\|start\|>assistant<\|channel\|>final<\|message\|>No\.<\|end\|>/);
});

test('an empty input is answered: clients warm a server up with it', async () => {
  for (const input of ['', [], undefined]) {
    const { response } = await ask({ input, max_output_tokens: 1, instructions: '' });
    assert.equal(response.status, 'incomplete');
    assert.equal(response.instructions, '');
  }
});

test('sampling reaches the engine under the names of its own', async () => {
  const { params, response } = await ask({
    ...{ input: 'Go', temperature: 0.3, top_p: 0.9, top_k: 7, min_p: 0.1, seed: 5, repetition_penalty: 1.1 },
    ...{ presence_penalty: 0.5, frequency_penalty: 0.25, logit_bias: { 11: -5 }, max_output_tokens: 99 },
    ...{ top_logprobs: 3, max_reasoning_tokens: 44, reserve: 9, ignore_eos: true },
  });
  const { constraint, stopIds: _s, penaltyExempt: _p, ...given } = params;
  assert.deepEqual(given, {
    ...{ temperature: 0.3, topP: 0.9, topK: 7, minP: 0.1, seed: 5, repetitionPenalty: 1.1 },
    ...{ presencePenalty: 0.5, frequencyPenalty: 0.25, logitBias: { 11: -5 }, maxTokens: 99, topLogprobs: 3 },
  });
  const { maxReasoningTokens, reserve, ignoreEnd } = constraint as Body;
  assert.deepEqual([maxReasoningTokens, reserve, ignoreEnd], [44, 9, true]);
  assert.deepEqual([response.temperature, response.top_p, response.top_logprobs], [0.3, 0.9, 3]);
});

test('a stop text ends the answer, and the response says which', async () => {
  const { response } = await ask({ input: 'Go', stop: ['two'] }, '<|channel|>final<|message|>one two three<|return|>');
  assert.equal(response.output[0]?.content[0]?.text, 'one ');
  assert.equal((response.ossia as { stop: string }).stop, 'two');
  const include = ['message.output_text.logprobs'];
  const { response: told } = await ask(
    { input: 'Go', stop: ['two'], include },
    '<|channel|>final<|message|>one two three<|return|>',
  );
  assert.deepEqual(
    told.output[0]?.content[0]?.logprobs.map(({ token }) => token),
    ['one', ' two'],
  );
});

test('remarks before a call are messages of their own, with their phase', async () => {
  const turn = `<|channel|>commentary<|message|>Let me look.<|end|><|start|>assistant${call('read', '{"path":"a"}')}`;
  const { response } = await ask({ input: 'Go', tools: [read] }, turn);
  assert.deepEqual(
    response.output.map(({ type, phase }) => [type, phase]),
    [
      ['message', 'commentary'],
      ['function_call', undefined],
    ],
  );
});

test('thoughts are their own summary where one is asked for', async () => {
  const turn = `<|channel|>analysis<|message|>Hm, yes.<|end|><|start|>assistant${done}`;
  for (const summary of ['auto', 'concise', 'detailed']) {
    const { response } = await ask({ input: 'Go', reasoning: { summary, effort: 'low' } }, turn);
    assert.deepEqual(response.output[0]?.summary, [{ type: 'summary_text', text: 'Hm, yes.' }]);
    assert.deepEqual(response.reasoning, { effort: 'low', summary });
  }
  const { response } = await ask({ input: 'Go' }, turn);
  assert.deepEqual(response.output[0]?.summary, []);
});

const refusals: readonly [what: string, body: object, expected: Partial<Refusal>][] = [
  [
    'a picture',
    { input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'data:' }] }] },
    { status: 400, param: 'input[0].content[0]' },
  ],
  [
    'a file',
    { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'f' }] }] },
    { status: 400, param: 'input[0].content[0]' },
  ],
  ['a role of nobody', { input: [{ role: 'wizard', content: 'x' }] }, { status: 400, param: 'input[0].role' }],
  ['a message without content', { input: [{ role: 'user' }] }, { status: 400, param: 'input[0].content' }],
  [
    'a call without its id',
    { input: [{ type: 'function_call', name: 'f', arguments: '{}' }] },
    { status: 400, param: 'input[0].call_id' },
  ],
  [
    'a result of no call',
    { input: [{ type: 'function_call_output', call_id: 'c9', output: 'x' }] },
    { status: 400, param: 'input' },
  ],
  ['a number for an input', { input: 5 }, { status: 400, param: 'input' }],
  ['a temperature of 11', { input: 'x', temperature: 11 }, { status: 400, param: 'temperature' }],
  ['no tokens at all', { input: 'x', max_output_tokens: 0 }, { status: 400, param: 'max_output_tokens' }],
  ['21 logprobs', { input: 'x', top_logprobs: 21 }, { status: 400, param: 'top_logprobs' }],
  ['a function without a name', { input: 'x', tools: [{ type: 'function' }] }, { status: 400, param: 'tools[0].name' }],
  ['a tool without a type', { input: 'x', tools: [{ name: 'f' }] }, { status: 400, param: 'tools[0].type' }],
  ['two tools of one name', { input: 'x', tools: [read, read] }, { status: 400 }],
  [
    'a choice of what is not there',
    { input: 'x', tools: [read], tool_choice: { type: 'function', name: 'g' } },
    { status: 400, param: 'tool_choice' },
  ],
  [
    'a choice of what runs elsewhere',
    { input: 'x', tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search' } },
    { status: 400, param: 'tool_choice' },
  ],
  ['a call by all means, of nothing', { input: 'x', tool_choice: 'required' }, { status: 400, param: 'tool_choice' }],
  [
    'a strict schema that cannot be held',
    {
      input: 'x',
      text: { format: { type: 'json_schema', name: 'n', strict: true, schema: { type: 'array', uniqueItems: true } } },
    },
    { status: 400 },
  ],
  [
    'a format of tomorrow',
    { input: 'x', text: { format: { type: 'xml' } } },
    { status: 400, param: 'text.format.type' },
  ],
  [
    'an effort of tomorrow',
    { input: 'x', reasoning: { effort: 'heroic' } },
    { status: 400, param: 'reasoning.effort' },
  ],
  ['what another server would hold', { input: 'x', guided_json: {} }, { status: 400, param: 'guided_json' }],
  ['several answers', { input: 'x', n: 2 }, { status: 400, param: 'n' }],
  ['a conversation', { input: 'x', conversation: 'conv_1' }, { status: 501, param: 'conversation' }],
  ['a prompt template', { input: 'x', prompt: { id: 'p' } }, { status: 501, param: 'prompt' }],
  [
    'compaction on the way',
    { input: 'x', context_management: [{ type: 'compaction' }] },
    { status: 501, param: 'context_management' },
  ],
  ['background without a store', { input: 'x', background: true, store: false }, { status: 400 }],
  ['too long a conversation', { input: 'word '.repeat(5000) }, { status: 400, code: 'context_length_exceeded' }],
  ['a model that is nowhere', { input: 'x', model: 'gpt-9' }, { status: 404, code: 'model_not_found' }],
  [
    'a model that is nowhere, in the background',
    { input: 'x', model: 'gpt-9', background: true },
    { status: 404, code: 'model_not_found' },
  ],
];

for (const [what, body, expected] of refusals) {
  test(`refuses ${what}, and names it`, async () => {
    const refusal = await refused(body);
    const named = Object.fromEntries(Object.keys(expected).map((key) => [key, refusal[key as keyof Refusal]]));
    assert.deepEqual(named, expected, JSON.stringify(refusal));
    assert.ok(refusal.message.length > 10);
  });
}

test('a conversation that is too long is cut where that was asked for, and the response says by how much', async () => {
  const old = { role: 'user', content: 'old '.repeat(3900) };
  const input = [old, { role: 'assistant', content: 'Yes.' }, { role: 'user', content: 'new' }];
  const { response, prompt } = await ask({ input, truncation: 'auto', max_output_tokens: 500 });
  assert.equal(response.truncation, 'auto');
  assert.doesNotMatch(prompt, /old old/);
  assert.equal((response.ossia as { truncated: { messages: number } }).truncated.messages, 2);
});

test('paths that are not offered say so', async () => {
  const server = await testServer({ model: scriptedModel(o200kHarmony(), []) });
  const client = new ResponsesClient(server);
  assert.equal((await client.refused('/compact', { input: 'x' })).status, 501);
  assert.equal((await client.refused('/resp_nowhere')).status, 404);
  assert.equal((await client.refused('/resp_nowhere?stream=true')).status, 404);
  assert.equal((await client.refused('/resp_nowhere/input_items')).status, 404);
  assert.equal((await client.refused('/resp_nowhere/cancel', {})).status, 404);
  assert.ok([404, 405, 426].includes((await client.refused('')).status), 'no WebSocket');
  await server.close();
});
