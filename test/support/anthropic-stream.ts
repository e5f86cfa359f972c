import assert from 'node:assert/strict';

type Json = Readonly<Record<string, unknown>>;

export interface StreamEvent {
  readonly event: string | undefined;
  readonly data: Json & { readonly type: string };
}

/** The events of a finished stream; comments are no events. */
export function parseEvents(body: string): StreamEvent[] {
  return body
    .split('\n\n')
    .filter((block) => block.trim() !== '' && !block.startsWith(':'))
    .map((block) => {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      return { event: field('event'), data: JSON.parse(field('data') ?? 'null') };
    });
}

const DELTAS: Readonly<Record<string, readonly string[]>> = {
  thinking: ['thinking_delta', 'signature_delta'],
  text: ['text_delta'],
  tool_use: ['input_json_delta'],
};

/**
 * Holds a stream to the order that Anthropic documents, and gives the message that it makes, as a client would have it; `error`
 * instead where the stream ends with one.
 */
export function assemble(events: readonly StreamEvent[]): { readonly message: Json; readonly error?: Json } {
  for (const { event, data } of events) assert.equal(event, data.type, 'the event line says the type');
  const types = events.map(({ data }) => data.type).filter((type) => type !== 'ping');
  assert.equal(types[0], 'message_start');
  assert.equal(types.filter((type) => type === 'message_start').length, 1);
  const start = events[0]!.data.message as Json;
  assert.deepEqual([start.content, start.stop_reason, start.role], [[], null, 'assistant']);
  const last = types.at(-1);
  assert.ok(last === 'message_stop' || last === 'error', `ends with ${last}`);
  if (last === 'message_stop') assert.equal(types.at(-2), 'message_delta');

  const content: Json[] = [];
  let open: { readonly block: Record<string, unknown>; json: string; signed: boolean } | undefined;
  let message: Json = start;
  let error: Json | undefined;
  for (const [i, { data }] of events.entries()) {
    switch (data.type) {
      case 'content_block_start': {
        assert.equal(open, undefined, 'one block at a time');
        assert.equal(data.index, content.length);
        const block = { ...(data.content_block as Json) };
        assert.ok(Object.hasOwn(DELTAS, String(block.type)), `a block of type ${String(block.type)}`);
        if (block.type === 'tool_use') assert.deepEqual(block.input, {});
        open = { block, json: '', signed: false };
        break;
      }
      case 'content_block_delta': {
        assert.ok(open, 'a delta belongs to an open block');
        assert.equal(data.index, content.length);
        const delta = data.delta as Json;
        const type = String(delta.type);
        assert.ok(DELTAS[String(open.block.type)]!.includes(type), `${type} in ${String(open.block.type)}`);
        assert.equal(open.signed, false, 'the signature is the last of a block');
        for (const [name, value] of Object.entries(delta)) {
          if (name === 'type') continue;
          assert.ok(typeof value === 'string' && value !== '', `${name} says something`);
          if (name === 'partial_json') open.json += value;
          else open.block[name] = String(open.block[name]) + value;
        }
        open.signed = type === 'signature_delta';
        break;
      }
      case 'content_block_stop': {
        assert.ok(open, 'a block that ends was open');
        assert.equal(data.index, content.length);
        if (open.block.type === 'thinking') assert.ok(open.signed, 'a thought is signed');
        const isCut = open.block.type === 'tool_use' && isOpenJson(open.json);
        content.push(
          open.block.type === 'tool_use' && !isCut ? { ...open.block, input: parsed(open.json) } : open.block,
        );
        if (isCut) assert.match(String(stopReason(events)), /^max_tokens$|^model_context/, 'only a limit cuts a call');
        open = undefined;
        break;
      }
      case 'message_delta': {
        assert.equal(open, undefined, 'all blocks are closed before the message ends');
        const usage = { ...(start.usage as Json), ...(data.usage as Json) };
        message = { ...start, ...(data.delta as Json), content, usage };
        break;
      }
      case 'error':
        error = data;
        break;
      case 'message_start':
        assert.equal(i, 0);
        break;
      case 'ping':
        assert.ok(i > 0);
        break;
      case 'message_stop':
        break;
      default:
        assert.fail(`an event of type ${data.type}`);
    }
  }
  return error === undefined ? { message } : { message: { ...message, content }, error };
}

function stopReason(events: readonly StreamEvent[]): unknown {
  return (events.find(({ data }) => data.type === 'message_delta')?.data.delta as Json | undefined)?.stop_reason;
}

function isOpenJson(text: string): boolean {
  try {
    parsed(text);
    return false;
  } catch {
    return true;
  }
}

function parsed(text: string): unknown {
  return text === '' ? {} : JSON.parse(text);
}
