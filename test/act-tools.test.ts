import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type ActEnd, type ActEvent, act } from '../src/chat/index.ts';
import { scriptedModel } from '../src/chat/testing.ts';
import { o200kHarmony } from '../src/tokenizer/index.ts';
import { openBrowser, openCorpus, openPatch, openPython, type Tool } from '../src/tools/index.ts';

/** The loop with the tools as they are, and a model that says what a script says. */

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

const builtin = (name: string, body: string) => `<|channel|>analysis to=${name} code<|message|>${body}<|call|>`;
const call = (name: string, args: object) =>
  `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${JSON.stringify(args)}<|call|>`;
const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;

async function run(toolbox: readonly Tool[], turns: readonly string[], isAllowed = () => true) {
  const model = scriptedModel(o200kHarmony(), turns, { contextLength: 16_384 });
  const events: ActEvent[] = [];
  try {
    const options = { toolbox, conversation: 'c', isAllowed };
    for await (const event of act(model, 'Go', options)) events.push(event);
  } finally {
    await Promise.all(toolbox.map((tool) => tool.close()));
  }
  const end = events.at(-1) as ActEnd;
  const results = end.messages.flatMap((message) => (message.role === 'tool' ? [message.content] : []));
  return { end, events, results };
}

test('a search in a folder, a page opened from it, and a citation that points into the page', async () => {
  writeFileSync(join(folder, 'fjords.md'), '# Fjords\n\nThe Sognefjord is 205 km long.\n');
  const browser = openBrowser({ provider: openCorpus(folder) });
  const { end, events, results } = await run(
    [browser],
    [
      builtin('browser.search', '{"query":"Sognefjord long"}'),
      builtin('browser.open', '{"cursor":0,"id":0}'),
      say('It is 205 km long【1†L5】.'),
    ],
  );
  assert.match(results[0]!, /Fjords/);
  assert.match(results[1]!, /L5: The Sognefjord is 205 km long/);
  const actions = events.flatMap((event) => (event.type === 'tool_end' ? [event.result.action?.type] : []));
  assert.deepEqual(actions, ['search', 'open_page']);
  assert.equal(end.citations?.length, 1);
  const [citation] = end.citations!;
  assert.equal(citation!.text, '【1†L5】');
  assert.match(citation!.quote, /205 km/);
  assert.match(citation!.page.url, /fjords/);
});

test('Python keeps its variables from one call to the next, and its errors are read', async () => {
  const { results, end } = await run(
    [openPython()],
    [builtin('python', 'x = 6 * 7'), builtin('python', 'print(x)'), builtin('python', 'x / 0'), say('42.')],
  );
  assert.match(results[1]!, /42/);
  assert.match(results[2]!, /ZeroDivisionError/);
  assert.equal(end.steps, 3);
});

test('a patch waits for a word, and changes the folder once it has it', async () => {
  writeFileSync(join(folder, 'a.txt'), 'one\n');
  const patch = { input: '*** Begin Patch\n*** Update File: a.txt\n-one\n+two\n*** End Patch' };
  const turns = [call('apply_patch', patch), call('read_file', { path: 'a.txt' }), say('Done.')];
  const refused = await run([await openPatch({ folder })], turns, () => false);
  assert.match(refused.results[0]!, /Not allowed/);
  assert.match(refused.results[1]!, /one/);
  const allowed = await run([await openPatch({ folder })], turns);
  assert.match(allowed.results[1]!, /two/);
});
