import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, Responses, type ServerTools } from '../../src/api/index.ts';
import { type ScriptedModel, type ScriptedTurn, type ScriptOptions, scriptedModel } from '../../src/chat/testing.ts';
import type { TurnConstraintOptions } from '../../src/harmony/index.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import { eventually } from '../support/eventually.ts';
import { fakeBrowser, fakeMcp, fakePython, fakeTool, page } from '../support/fake-tools.ts';
import type { WireEvent } from '../support/response-stream.ts';
import { type Body, type Item, ResponsesClient, type Whole } from '../support/responses-client.ts';
import { type TestServer, testServer } from '../support/server.ts';

const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
const think = (text: string) => `<|channel|>analysis<|message|>${text}<|end|><|start|>assistant`;
const python = (code: string) => `<|channel|>analysis to=python code<|message|>${code}<|call|>`;
const browser = (name: string, args: object) =>
  `<|channel|>analysis to=browser.${name} code<|message|>${JSON.stringify(args)}<|call|>`;
const call = (name: string, args = '{}') =>
  `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${args}<|call|>`;

interface Asked {
  readonly response: Whole;
  readonly events: readonly WireEvent[];
}

interface Setup {
  readonly client: ResponsesClient;
  readonly server: TestServer;
  /** What the model was given, request by request. */
  readonly prompts: () => string[];
  readonly model: ScriptedModel;
  readonly ask: (body: object) => Promise<Asked>;
}

async function withServer(
  tools: ServerTools,
  turns: readonly ScriptedTurn[],
  use: (setup: Setup) => Promise<void>,
  options: ScriptOptions = {},
): Promise<void> {
  const model = scriptedModel(o200kHarmony(), turns, options);
  const context: { responses?: Responses } = {};
  const server = await testServer({ model, context });
  try {
    const { host, turns: running } = server;
    const responses = new Responses({ host, turns: running, store: new MemoryStore(), tools });
    const own = await testServer({ model, context: { responses } });
    try {
      const client = new ResponsesClient(own);
      const prompts = () => model.engine.requests.map(({ prompt }) => model.tokenizer.decode(prompt));
      await use({ client, server: own, prompts, model, ask: (body) => client.stream(body) });
      assert.equal(host.leases, 0, 'every lease is released');
    } finally {
      await own.close();
    }
  } finally {
    await server.close();
  }
}

const types = ({ output }: Whole) => output.map(({ type }) => type);
const find = (output: readonly Item[], type: string): Body => {
  const item = output.find((candidate) => candidate.type === type);
  assert.ok(item, `an item of type ${type}`);
  return item;
};
const constraintOf = (model: ScriptedModel, index: number) =>
  (model.engine.requests[index]!.params as { constraint: TurnConstraintOptions }).constraint;

test('web_search searches, opens and finds; the answer bears its citations', async () => {
  const tool = fakeBrowser();
  const turns = [
    think('I search.') + browser('search', { query: 'oslo' }),
    browser('open', { id: 0 }),
    browser('find', { pattern: 'Oslo' }),
    say('🙂 Oslo has 700,000 people 【1†L1】.'),
  ];
  await withServer({ tools: [tool] }, turns, async ({ ask, prompts }) => {
    const body = { input: 'Oslo?', tools: [{ type: 'web_search' }], include: ['web_search_call.action.sources'] };
    const { response, events } = await ask(body);
    assert.deepEqual(types(response), [
      'reasoning',
      'web_search_call',
      'web_search_call',
      'web_search_call',
      'message',
    ]);
    assert.deepEqual(
      response.output.slice(1, 4).map(({ status, action }) => [status, action]),
      [
        ['completed', { type: 'search', query: 'oslo', queries: ['oslo'], sources: [{ type: 'url', url: page.url }] }],
        ['completed', { type: 'open_page', url: page.url }],
        ['completed', { type: 'find_in_page', url: page.url, pattern: 'Oslo' }],
      ],
    );
    assert.match(response.output[1]!.id, /^ws_/);
    const [text] = response.output[4]!.content;
    const { annotations } = text as unknown as { annotations: { start_index: number; end_index: number }[] };
    const [annotation] = annotations;
    assert.deepEqual(annotation, {
      type: 'url_citation',
      ...page,
      start_index: annotation!.start_index,
      end_index: annotation!.end_index,
    });
    const cited = [...text!.text].slice(annotation!.start_index, annotation!.end_index).join('');
    assert.equal(cited, '【1†L1】');
    assert.ok(events.some(({ type }) => type === 'response.web_search_call.searching'));
    assert.match(prompts()[0]!, /## browser/);
    assert.match(prompts()[1]!, /browser\.search to=assistant<\|channel\|>analysis<\|message\|>\[0\] Search/);
    assert.equal(response.usage.output_tokens > 40, true);
    assert.deepEqual(new Set(tool.requests.map(({ conversation }) => conversation)).size, 1);
  });
});

test('code_interpreter runs programs; what they print is shown to those who ask for it', async () => {
  const tool = fakePython({ 'print(6*7)': '42\n' });
  const turns = [think('I compute.') + python('print(6*7)'), say('42.'), python('print(6*7)'), say('42.')];
  turns.push(python('1'), say('1.'));
  await withServer({ tools: [tool] }, turns, async ({ ask }) => {
    const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
    const shown = await ask({ input: '6*7?', tools, include: ['code_interpreter_call.outputs'] });
    const item = find(shown.response.output, 'code_interpreter_call');
    assert.equal(item.code, 'print(6*7)');
    assert.deepEqual(item.outputs, [
      { type: 'logs', logs: '42\n' },
      { type: 'image', url: 'data:image/png;base64,iVBORw0KGgo=' },
    ]);
    assert.match(String(item.container_id), /^cntr_[0-9a-f]+$/);
    const deltas = shown.events.filter(({ type }) => type === 'response.code_interpreter_call_code.delta');
    assert.ok(deltas.length > 1, 'the code streams');
    const container = item.container_id;
    const again = await ask({ input: '6*7?', tools: [{ type: 'code_interpreter', container }] });
    assert.equal(find(again.response.output, 'code_interpreter_call').outputs, null);
    const [first, second] = tool.requests.map(({ conversation }) => conversation);
    assert.equal(first, second, 'a container that is named is gone on with');
    const named = await ask({ input: '6*7?', tools: [{ type: 'code_interpreter', container: 'mine' }] });
    assert.equal(find(named.response.output, 'code_interpreter_call').container_id, 'mine');
    assert.match(tool.requests[2]!.conversation, /^\S+ mine$/, 'what others call so is not it');
  });
});

test('a program that the limit cuts is an incomplete item, which never ran', async () => {
  const tool = fakePython({});
  await withServer({ tools: [tool] }, [python('print(1, 2, 3, 4, 5)')], async ({ ask }) => {
    const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
    const { response } = await ask({ input: 'Go', tools, max_output_tokens: 12 });
    assert.equal(response.status, 'incomplete');
    const item = find(response.output, 'code_interpreter_call');
    assert.equal(item.status, 'incomplete');
    assert.match(String(item.code), /^print\(1/);
    assert.equal(tool.requests.length, 0);
  });
});

test('without the tools on the server, requests for them are accepted and nothing is offered', async () => {
  await withServer({ tools: [] }, [say('No.')], async ({ ask, prompts }) => {
    const tools = [{ type: 'web_search' }, { type: 'code_interpreter', container: { type: 'auto' } }];
    const { response } = await ask({ input: 'Hi', tools });
    assert.deepEqual(response.tools, tools);
    assert.doesNotMatch(prompts()[0]!, /# Tools/);
  });
});

test('what was not asked for is not offered, and neither is the web where a request forbids it', async () => {
  await withServer({ tools: [fakeBrowser(), fakePython({})] }, [say('A'), say('B')], async ({ ask, prompts }) => {
    await ask({ input: 'Hi' });
    await ask({ input: 'Hi', tools: [{ type: 'web_search', external_web_access: false }] });
    for (const prompt of prompts()) assert.doesNotMatch(prompt, /# Tools/);
  });
});

test('a turn that goes on sees its calls and results, by previous_response_id and by items sent back', async () => {
  const weather = { type: 'function', name: 'weather', parameters: { type: 'object', properties: {} } };
  const turns = [think('I search.') + browser('search', { query: 'oslo' }), call('weather'), say('A'), say('B')];
  await withServer({ tools: [fakeBrowser()] }, turns, async ({ ask, prompts }) => {
    const tools = [{ type: 'web_search' }, weather];
    const { response } = await ask({ input: 'Oslo?', tools });
    assert.deepEqual(types(response), ['reasoning', 'web_search_call', 'function_call']);
    const output = { type: 'function_call_output', call_id: response.output[2]!.call_id, output: 'Rain' };
    await ask({ input: [output], previous_response_id: response.id, tools });
    await ask({ input: [{ role: 'user', content: 'Oslo?' }, ...response.output, output], tools });
    const [, second, byId, byItems] = prompts();
    assert.ok(byId!.startsWith(second!), 'what the model saw and wrote, to the token');
    assert.match(byId!, /browser\.search to=assistant<\|channel\|>analysis<\|message\|>\[0\] Search/);
    assert.match(byId!, /Rain<\|end\|><\|start\|>assistant$/);
    assert.equal(byItems, byId);
  });
});

test('a choice of tools forces or leaves out what runs here', async () => {
  const tools = [{ type: 'web_search_preview' }, { type: 'code_interpreter', container: { type: 'auto' } }];
  const all = { tools: [fakeBrowser(), fakePython({})] };
  await withServer(all, [browser('search', { query: 'x' }), say('A'), say('B')], async ({ ask, prompts, model }) => {
    await ask({ input: 'Hi', tools, tool_choice: { type: 'web_search_preview' } });
    assert.deepEqual(constraintOf(model, 0).toolChoice, { name: 'browser' });
    assert.equal(constraintOf(model, 1).toolChoice, undefined, 'and then it may answer');
    const allowed = { type: 'allowed_tools', mode: 'auto', tools: [{ type: 'code_interpreter' }] };
    await ask({ input: 'Hi', tools, tool_choice: allowed });
    assert.match(prompts()[2]!, /## python/);
    assert.doesNotMatch(prompts()[2]!, /## browser/);
  });
});

test('max_tool_calls makes the model answer', async () => {
  const turns = [python('1'), python('2'), say('Enough.')];
  await withServer({ tools: [fakePython({})] }, turns, async ({ ask, model }) => {
    const { response } = await ask({
      input: 'Hi',
      tools: [{ type: 'code_interpreter', container: { type: 'auto' } }],
      max_tool_calls: 2,
    });
    assert.equal(constraintOf(model, 2).toolChoice, 'none');
    assert.equal((response.ossia as { limit: string }).limit, 'steps');
    assert.equal(response.status, 'completed');
  });
});

const read = { name: 'read', description: 'Reads.', parameters: { type: 'object', properties: {} } };
const files = { type: 'mcp', server_label: 'files' };

test('functions of an MCP server of the operator are listed and called', async () => {
  const mcp = fakeMcp('files', [read, { name: 'fail' }, { name: 'hidden' }]);
  const turns = [call('read', '{"a":1}'), call('fail'), say('Done.'), say('Again.')];
  await withServer({ tools: [mcp] }, turns, async ({ ask, prompts }) => {
    const tools = [{ ...files, require_approval: 'never', allowed_tools: ['read', 'fail'] }];
    const { response, events } = await ask({ input: 'Go', tools });
    assert.deepEqual(types(response), ['mcp_list_tools', 'mcp_call', 'mcp_call', 'message']);
    const [list, good, bad] = response.output as unknown as [Body, Body, Body];
    assert.deepEqual(
      (list.tools as { name: string }[]).map(({ name }) => name),
      ['read', 'fail'],
    );
    assert.deepEqual(
      [good.server_label, good.name, good.arguments, good.output, good.error, good.status],
      ['files', 'read', '{"a":1}', 'files read {"a":1}', null, 'completed'],
    );
    assert.deepEqual([bad.status, bad.output], ['failed', null]);
    assert.deepEqual(bad.error, {
      type: 'mcp_tool_execution_error',
      content: [{ type: 'text', text: 'It broke.' }],
    });
    assert.doesNotMatch(prompts()[0]!, /hidden/);
    assert.ok(events.some(({ type }) => type === 'response.mcp_call.failed'));
    const next = await ask({ input: 'Go on', previous_response_id: response.id, tools });
    assert.deepEqual(types(next.response), ['message'], 'the list is in the conversation already');
    assert.match(prompts()[3]!, /functions\.read to=assistant<\|channel\|>commentary<\|message\|>files read/);
    assert.match(prompts()[3]!, /functions\.fail to=assistant<\|channel\|>commentary<\|message\|>It broke\./);
  });
  assert.equal(mcp.isClosed, false, "the operator's servers stay");
});

for (const how of ['previous_response_id', 'items sent back'] as const) {
  test(`a call that needs approval waits for it, and runs once it is there: ${how}`, async () => {
    const mcp = fakeMcp('files', [read]);
    const turns = [think('I read.') + call('read', '{"a":1}'), say('Done.')];
    await withServer({ tools: [mcp] }, turns, async ({ ask, prompts }) => {
      const { response } = await ask({ input: 'Go', tools: [files], store: how === 'previous_response_id' });
      assert.deepEqual(types(response), ['mcp_list_tools', 'reasoning', 'mcp_approval_request']);
      assert.equal(response.status, 'completed');
      const request = find(response.output, 'mcp_approval_request');
      assert.deepEqual([request.name, request.arguments, request.server_label], ['read', '{"a":1}', 'files']);
      assert.equal(mcp.requests.length, 0);
      const answer = { type: 'mcp_approval_response', approval_request_id: request.id, approve: true };
      const next = await ask(
        how === 'previous_response_id'
          ? { input: [answer], previous_response_id: response.id, tools: [files] }
          : { input: [{ role: 'user', content: 'Go' }, ...response.output, answer], tools: [files] },
      );
      assert.deepEqual(types(next.response), ['mcp_call', 'message']);
      const made = find(next.response.output, 'mcp_call');
      assert.deepEqual(
        [made.approval_request_id, made.output, made.arguments],
        [request.id, 'files read {"a":1}', '{"a":1}'],
      );
      assert.match(
        prompts()[1]!,
        /to=functions\.read <\|constrain\|>json<\|message\|>\{"a":1\}<\|call\|><\|start\|>functions\.read to=assistant<\|channel\|>commentary<\|message\|>files read \{"a":1\}<\|end\|><\|start\|>assistant$/,
      );
    });
  });
}

test('a call that is not approved does not run, and the model is told so', async () => {
  const mcp = fakeMcp('files', [read]);
  const turns = [call('read'), say('A pity.'), say('Later.')];
  await withServer({ tools: [mcp] }, turns, async ({ ask, prompts }) => {
    const { response } = await ask({ input: 'Go', tools: [files] });
    const { id } = find(response.output, 'mcp_approval_request');
    const answer = { type: 'mcp_approval_response', approval_request_id: id, approve: false, reason: 'too private' };
    await ask({ input: [answer], previous_response_id: response.id, tools: [files] });
    await ask({ input: 'Never mind', previous_response_id: response.id, tools: [files] });
    assert.match(prompts()[1]!, /Not allowed: too private<\|end\|>/);
    assert.match(prompts()[2]!, /nobody allowed it\.<\|end\|><\|start\|>user<\|message\|>Never mind/);
    assert.equal(mcp.requests.length, 0);
  });
});

test('what the operator wants to be asked about asks, whatever the request says', async () => {
  const mcp = fakeMcp('files', [read], { needsApproval: () => true });
  await withServer({ tools: [mcp] }, [call('read')], async ({ ask }) => {
    const { response } = await ask({ input: 'Go', tools: [{ ...files, require_approval: 'never' }] });
    assert.deepEqual(types(response), ['mcp_list_tools', 'mcp_approval_request']);
  });
});

test('a server that a request brings is opened, used and closed, with its headers', async () => {
  const mcp = fakeMcp('docs', [read]);
  const opened: unknown[] = [];
  const openMcp: ServerTools['openMcp'] = async (server) => {
    opened.push(server);
    return mcp;
  };
  await withServer({ tools: [], openMcp }, [call('read'), say('Done.')], async ({ ask }) => {
    const tool = {
      type: 'mcp',
      server_label: 'docs',
      server_url: 'https://docs.example/mcp',
      authorization: 'abc',
      headers: { 'x-team': 'a' },
      require_approval: 'never',
    };
    const { response } = await ask({ input: 'Go', tools: [tool] });
    assert.deepEqual(types(response), ['mcp_list_tools', 'mcp_call', 'message']);
    assert.deepEqual(opened, [
      {
        label: 'docs',
        type: 'auto',
        url: 'https://docs.example/mcp',
        headers: { 'x-team': 'a', authorization: 'Bearer abc' },
        approval: 'never',
      },
    ]);
    assert.doesNotMatch(JSON.stringify(response.tools), /abc|"a"/);
    assert.deepEqual((response.tools as { headers: object }[])[0]?.headers, { 'x-team': '<redacted>' });
  });
  assert.equal(mcp.isClosed, true);
});

test('a server that cannot be reached lists nothing and says why, and the model answers without it', async () => {
  const mcp = fakeMcp('files', [], { functions: async () => Promise.reject(new Error('connection refused')) });
  await withServer({ tools: [mcp] }, [say('Alone.')], async ({ ask }) => {
    const { response, events } = await ask({ input: 'Go', tools: [files] });
    const list = find(response.output, 'mcp_list_tools');
    assert.deepEqual([list.tools, list.error], [[], 'connection refused']);
    assert.ok(events.some(({ type }) => type === 'response.mcp_list_tools.failed'));
    assert.equal(response.status, 'completed');
  });
});

test('malformed servers and approvals of nothing are refused', async () => {
  const openMcp: ServerTools['openMcp'] = async () => fakeMcp('x', []);
  await withServer({ tools: [fakeMcp('files', [])], openMcp }, [], async ({ client }) => {
    const bad = async (body: object) => (await client.refused('', { input: 'Go', ...body })).message;
    assert.match(await bad({ tools: [{ type: 'mcp' }] }), /tools\[0\]\.server_label/);
    assert.match(await bad({ tools: [{ ...files, server_url: 'file:///etc/passwd' }] }), /http or https/);
    assert.match(await bad({ tools: [files, files] }), /two MCP servers/);
    const crowd = Array.from({ length: 17 }, (_, i) => ({ ...files, server_label: `l${i}` }));
    assert.match(await bad({ tools: crowd }), /at most 16 MCP servers/);
    const answer = { type: 'mcp_approval_response', approval_request_id: 'mcpr_0', approve: true };
    assert.match(await bad({ input: [answer], tools: [files] }), /no mcp_approval_request/);
  });
});

test('whoever leaves while a tool runs stops it, and what is not stored is forgotten', async () => {
  const started = Promise.withResolvers<AbortSignal>();
  const box = fakeTool(
    'python',
    ({ signal }) => {
      started.resolve(signal);
      return new Promise(() => {});
    },
    { builtin: 'python' },
  );
  await withServer({ tools: [box] }, [python('while True: pass')], async ({ server }) => {
    const leave = new AbortController();
    const tools = [{ type: 'code_interpreter', container: { type: 'auto' } }];
    const request = fetch(`${server.url}/v1/responses`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ input: 'Go', tools, stream: true, store: false }),
      signal: leave.signal,
    }).then((response) => response.text());
    const signal = await started.promise;
    leave.abort();
    await assert.rejects(request);
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await eventually('forgotten', () => box.forgotten.length > 0);
  });
});

test('the tokens of a request count what its tools say', async () => {
  await withServer({ tools: [fakeBrowser(), fakeMcp('files', [read])] }, [say('A')], async ({ client, ask, model }) => {
    const body = { input: 'Hi', tools: [{ type: 'web_search' }, files] };
    const counted = await client.json('/input_tokens', body);
    await ask(body);
    assert.equal(counted.input_tokens, model.engine.requests[0]!.prompt.length);
  });
});
