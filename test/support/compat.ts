import assert from 'node:assert/strict';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { ask, askStream } from './ask.ts';
import { type Json, readChatStream } from './chat-stream.ts';
import type { CompatCase } from './compat-cases.ts';
import type { TestServer } from './server.ts';
import { sseEvents } from './sse.ts';

/**
 * The checks of OpenAI's compatibility test for providers of gpt-oss: one question, one tool, a loop of at most ten turns, with
 * requests in the shape that its SDK sends. Each run throws what a provider would fail for.
 */

const MAX_TURNS = 10;

interface Run {
  /** Arguments of all calls of the case's tool, as they came. */
  readonly calls: string[];
  answer: string;
  /** Thoughts of each turn. */
  readonly thoughts: string[];
}

export async function chatRun(server: TestServer, test: CompatCase, stream: boolean, more: object = {}): Promise<void> {
  const { name, description, parameters, question, output } = test;
  const messages: Json[] = [{ role: 'user', content: question }];
  const tools = [{ type: 'function', function: { name, description, parameters, strict: false } }];
  const run: Run = { calls: [], answer: '', thoughts: [] };
  for (let turn = 0; turn < MAX_TURNS && run.answer === ''; turn++) {
    const request = { messages, tools, response_format: { type: 'text' }, stream, ...more };
    const message = stream ? await streamedMessage(server, request) : await wholeMessage(server, request);
    run.thoughts.push(message.reasoning ?? '');
    const calls = message.tool_calls ?? [];
    for (const call of calls) if (call.function.name === name) run.calls.push(call.function.arguments);
    if (calls.length === 0) run.answer = message.content;
    messages.push({
      role: 'assistant',
      tool_calls: calls,
      ...(message.reasoning ? { reasoning: message.reasoning } : {}),
    });
    messages.push(...calls.map(({ id }: Json) => ({ role: 'tool', tool_call_id: id, content: output })));
  }
  checkRun(run, test);
  assert.ok(
    run.thoughts.some((text) => text !== ''),
    'some turn has reasoning',
  );
}

async function wholeMessage(server: TestServer, request: object): Promise<Json> {
  const { choices } = await ask(server, '/v1/chat/completions', request);
  const [{ message }] = choices;
  assert.equal(message.role, 'assistant');
  assert.equal(message.refusal, null);
  assert.notEqual(message.reasoning, '', 'an empty reasoning makes the check throw');
  return message;
}

async function streamedMessage(server: TestServer, request: object): Promise<Json> {
  const { chunks, choices } = readChatStream(await askStream(server, '/v1/chat/completions', request));
  const firstThought = chunks.findIndex((chunk) => chunk.choices[0]?.delta.reasoning);
  const firstEmpty = chunks.findIndex((chunk) => chunk.choices.length === 0);
  assert.ok(firstEmpty < 0 || firstThought < firstEmpty, 'no chunk without choices before the first reasoning');
  const [{ content, reasoning, calls }] = choices as [(typeof choices)[0]];
  return {
    content,
    reasoning,
    tool_calls: calls.map(({ id, name, arguments: given }) => ({
      id,
      type: 'function',
      function: { name, arguments: given },
    })),
  };
}

export async function responsesRun(
  server: TestServer,
  test: CompatCase,
  stream: boolean,
  more: object = {},
): Promise<void> {
  const { name, description, parameters, question, output } = test;
  const input: Json[] = [{ role: 'user', content: question }];
  const tools = [{ type: 'function', name, description, parameters, strict: false }];
  const run: Run = { calls: [], answer: '', thoughts: [] };
  for (let turn = 0; turn < MAX_TURNS && run.answer === ''; turn++) {
    const request = { instructions: '', model: undefined, input, include: [], tools, stream, ...more };
    const response = stream ? await streamedResponse(server, request) : await ask(server, '/v1/responses', request);
    const reasoning = response.output.filter((item: Json) => item.type === 'reasoning');
    for (const item of reasoning) checkReasoning(item);
    if (turn === 0) assert.ok(reasoning.length > 0, 'the first output has a reasoning item');
    const calls = response.output.filter((item: Json) => item.type === 'function_call');
    for (const call of calls) if (call.name === name) run.calls.push(call.arguments);
    const texts = response.output.flatMap((item: Json) => (item.type === 'message' ? item.content : []));
    if (calls.length === 0) run.answer = texts.map((part: Json) => part.text).join('');
    input.push(...response.output);
    input.push(
      ...calls.map((call: Json) => ({
        type: 'function_call_output',
        call_id: call.call_id,
        output,
        status: 'completed',
      })),
    );
  }
  checkRun(run, test);
}

function checkReasoning({ content }: Json): void {
  assert.ok(content.length > 0, 'a reasoning item has content');
  for (const { type, text } of content) {
    assert.equal(type, 'reasoning_text');
    assert.ok(typeof text === 'string' && text !== '');
  }
}

async function streamedResponse(server: TestServer, request: object): Promise<Json> {
  const events: Json[] = sseEvents(await askStream(server, '/v1/responses', request))
    .map(({ data }) => data)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data));
  const types = new Set(events.map(({ type }) => type));
  const last = events.findLast(({ type }) => type === 'response.completed' || type === 'response.incomplete');
  const { output } = last.response;
  if (output.some((item: Json) => item.type === 'reasoning')) {
    assert.ok(types.has('response.reasoning_text.delta') && types.has('response.reasoning_text.done'));
  }
  return last.response;
}

function checkRun({ calls, answer }: Run, { name, parameters }: CompatCase): void {
  const [first] = calls;
  assert.ok(first !== undefined, `${name} is called`);
  assertValid(first, parameters);
  assert.ok(typeof answer === 'string' && answer !== '', 'the loop ends with an answer');
}

/** That arguments are JSON that their schema allows. */
export function assertValid(text: string, schema: object): void {
  const validate = new Ajv2020({ strict: false }).compile(schema);
  assert.ok(validate(JSON.parse(text)), `${text}: ${JSON.stringify(validate.errors)}`);
}
