import assert from 'node:assert/strict';

export type WireEvent = { type: string; sequence_number: number } & Record<string, unknown>;

type Item = { id: string; type: string; status: string } & Record<string, unknown>;
type Part = { type: string; text: string } & Record<string, unknown>;

/** The events of a Responses stream, from its bytes; every event's name has to be its type. */
export function parseEvents(text: string): WireEvent[] {
  const blocks = text.split('\n\n').filter((block) => block.trim() !== '' && !block.startsWith(':'));
  return blocks.map((block) => {
    const [, name, data] = /^event: (.*)\ndata: (.*)$/s.exec(block) ?? [];
    const event = JSON.parse(data ?? 'null') as WireEvent;
    assert.equal(name, event.type);
    return event;
  });
}

interface OpenItem {
  readonly added: Item;
  readonly index: number;
  /** Parts by kind and index, as `content 0`; undefined once done. */
  readonly parts: Map<string, { readonly type: string; text: string; isTextDone: boolean } | undefined>;
  written: string | undefined;
  deltas: string;
  /** Of what runs on the server: the events so far, without `response.`. */
  readonly happened: string[];
  readonly annotations: unknown[];
}

/** The events of what runs on the server, in their order. */
const HOSTED: Readonly<Record<string, RegExp>> = {
  web_search_call: /^(web_search_call)\.in_progress( \1\.searching)? \1\.completed $/,
  code_interpreter_call:
    /^(code_interpreter_call)\.in_progress (\1_code\.delta )*\1_code\.done (\1\.interpreting )?\1\.completed $/,
  mcp_call: /^(mcp_call)\.in_progress (\1_arguments\.delta )+\1_arguments\.done \1\.(completed|failed) $/,
  mcp_list_tools: /^(mcp_list_tools)\.in_progress \1\.(completed|failed) $/,
  mcp_approval_request: /^$/,
};

const LAST = ['response.completed', 'response.incomplete', 'response.failed'];
const WRITTEN: Readonly<Record<string, 'arguments' | 'input'>> = {
  'response.function_call_arguments': 'arguments',
  'response.custom_tool_call_input': 'input',
};

/**
 * Holds a stream to the order in which clients need its events, and every text to what its deltas said. Gives the last
 * event's response. `from`: for a stream that is read from the middle, nothing is known of what was before.
 */
export function checkStream(events: readonly WireEvent[]): Record<string, unknown> {
  const done: Item[] = [];
  let open: OpenItem | undefined;
  let state: 'new' | 'created' | 'running' | 'over' = 'new';
  let last: Record<string, unknown> = {};
  events.forEach((event, i) => {
    assert.equal(event.sequence_number, i, 'sequence numbers count from 0');
    assert.notEqual(state, 'over', `nothing may follow the last event, but ${event.type} does`);
    const { type } = event;
    if ('response' in event) {
      last = event.response as Record<string, unknown>;
      if (type === 'response.created') assert.equal(state, 'new');
      else if (type === 'response.queued') assert.equal(state, 'created');
      else if (type === 'response.in_progress') assert.equal(state, 'created');
      else assert.ok(LAST.includes(type), type);
      if (type === 'response.created') state = 'created';
      if (type === 'response.in_progress') state = 'running';
      if (!LAST.includes(type)) return;
      if (type !== 'response.failed') assert.equal(open, undefined, `${type} with an open item`);
      assert.deepEqual(last.output, done, 'the output is what output_item.done said');
      assert.equal(type.slice(9), last.status === 'cancelled' ? 'incomplete' : last.status);
      if (last.status === 'completed' || last.status === 'incomplete') assert.ok(last.usage, 'usage');
      state = 'over';
      return;
    }
    assert.equal(state, 'running', `${type} while ${state}`);
    if (type === 'response.output_item.added') {
      assert.equal(open, undefined, 'one item at a time');
      const added = event.item as Item;
      assert.equal(event.output_index, done.length);
      const hasStatus = added.type !== 'mcp_list_tools' && added.type !== 'mcp_approval_request';
      assert.equal(added.status, hasStatus ? 'in_progress' : undefined);
      assert.ok(!done.some(({ id }) => id === added.id), 'ids are unique');
      open = {
        added,
        index: done.length,
        parts: new Map(),
        written: undefined,
        deltas: '',
        happened: [],
        annotations: [],
      };
      return;
    }
    assert.ok(open, `${type} needs an open item`);
    assert.equal(event.output_index, open.index);
    if (type !== 'response.output_item.done') {
      assert.equal(event.item_id, open.added.id);
      checkWithin(open, event);
      return;
    }
    const item = event.item as Item;
    assert.equal(item.id, open.added.id);
    assert.equal(item.type, open.added.type);
    if (!(item.type in HOSTED)) assert.ok(item.status === 'completed' || item.status === 'incomplete');
    checkDone(open, item);
    done.push(item);
    open = undefined;
  });
  assert.equal(state, 'over', 'the stream ends with completed, incomplete or failed');
  return last;
}

function checkWithin(open: OpenItem, event: WireEvent): void {
  const { type } = event;
  if (open.added.type in HOSTED) {
    open.happened.push(type.replace(/^response\./, ''));
    if (type.endsWith('.delta')) open.deltas += event.delta as string;
    if (type.endsWith('.done')) open.written = (event.code ?? event.arguments) as string;
    return;
  }
  if (type === 'response.output_text.annotation.added') {
    assert.equal(event.annotation_index, open.annotations.length);
    open.annotations.push(event.annotation);
    return;
  }
  const verb = type.slice(type.lastIndexOf('.') + 1);
  const subject = type.slice(0, type.lastIndexOf('.'));
  const written = WRITTEN[subject];
  if (written !== undefined) {
    assert.equal(open.added.type, written === 'input' ? 'custom_tool_call' : 'function_call');
    assert.equal(open.written, undefined, 'no delta behind done');
    if (verb === 'delta') open.deltas += event.delta as string;
    else open.written = event[written] as string;
    return;
  }
  const isSummary = subject.startsWith('response.reasoning_summary');
  const index = isSummary ? event.summary_index : event.content_index;
  assert.equal(typeof index, 'number', `${type} has its index`);
  const key = `${isSummary ? 'summary' : 'content'} ${index}`;
  if (verb === 'added') {
    assert.ok(!open.parts.has(key), `${key} is added once`);
    const part = event.part as Part;
    assert.equal(part.text, '');
    assert.equal(
      part.type,
      isSummary ? 'summary_text' : open.added.type === 'reasoning' ? 'reasoning_text' : 'output_text',
    );
    open.parts.set(key, { type: part.type, text: '', isTextDone: false });
    return;
  }
  const part = open.parts.get(key);
  assert.ok(part, `${type} without a part`);
  if (subject.endsWith('_part')) {
    assert.ok(part.isTextDone, 'the text of a part is done before the part');
    assert.equal((event.part as Part).text, part.text);
    open.parts.set(key, undefined);
    return;
  }
  assert.equal(subject, `response.${part.type === 'summary_text' ? 'reasoning_summary_text' : part.type}`);
  assert.ok(!part.isTextDone);
  if (verb === 'delta') {
    assert.notEqual(event.delta, '');
    part.text += event.delta as string;
  } else {
    const text = event.text as string;
    if (text !== '') assert.equal(text, part.text, 'a text is what its deltas said, unless it was taken back');
    part.text = text;
    part.isTextDone = true;
  }
}

function checkDone({ parts, written, deltas, added, happened, annotations }: OpenItem, item: Item): void {
  const hosted = HOSTED[item.type];
  if (hosted !== undefined) {
    const types = happened.map((type) => `${type} `).join('');
    // A call that the model did not finish has not run.
    assert.match(
      item.status === 'incomplete' && !/completed|failed/.test(types) ? `${types}${item.type}.completed ` : types,
      hosted,
    );
    if (item.type !== 'mcp_approval_request') assert.equal(written, item.code ?? item.arguments);
    assert.equal(deltas, written ?? '', 'a call is what its deltas said');
    return;
  }
  if (item.type === 'message') assert.deepEqual((item.content as Item[])[0]?.annotations ?? [], annotations);
  for (const [key, part] of parts) assert.equal(part, undefined, `${key} is done before its item`);
  if (item.type === 'message' || item.type === 'reasoning') {
    assert.equal(
      (item.content as unknown[]).length,
      [...parts.keys()].filter((key) => key.startsWith('content')).length,
    );
    return;
  }
  assert.ok(written !== undefined, 'what a call was written with is done before its item');
  assert.equal(item.arguments ?? item.input, written);
  assert.ok(written.startsWith(deltas) || deltas === '', 'a call is what its deltas said');
  assert.equal(item.call_id, added.call_id);
}
