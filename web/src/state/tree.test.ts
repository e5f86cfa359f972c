import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaults } from './settings.ts';
import { fromJson, toJson, toMarkdown } from './transfer.ts';
import {
  type Conversation,
  childrenOf,
  historyOf,
  pathOf,
  type TreeNode,
  titleOf,
  withBranch,
  withNode,
  withoutNode,
  withRestored,
} from './tree.ts';

const empty: Conversation = { id: 'c', title: 'T', created: 0, updated: 0, settings: defaults, nodes: {}, chosen: {} };
let clock = 0;
const user = (id: string, parent: string | null): TreeNode => ({
  role: 'user',
  id,
  parent,
  created: ++clock,
  text: `text of ${id}`,
});
const answer = (id: string, parent: string): TreeNode => ({
  role: 'assistant',
  id,
  parent,
  created: ++clock,
  model: 'm',
  parts: [
    { type: 'reasoning', text: 'hm', ms: 5 },
    {
      type: 'tool',
      id: 't',
      name: 'f',
      arguments: '{"a":"```"}',
      status: 'done',
      progress: '',
      result: { text: 'found' },
    },
    { type: 'text', channel: 'final', text: `text of ${id}` },
  ],
});

/** u1 → a1 → u2 → a2, and beside a1 a later a1b, beside u1 an edited u1b. */
function tree(): Conversation {
  const nodes = [
    user('u1', null),
    answer('a1', 'u1'),
    user('u2', 'a1'),
    answer('a2', 'u2'),
    answer('a1b', 'u1'),
    user('u1b', null),
  ];
  return nodes.reduce((conversation, node) => withNode(conversation, node), empty);
}

const ids = (conversation: Conversation) =>
  pathOf(conversation)
    .map(({ id }) => id)
    .join(' ');

test('what was added last is shown, and branches are walked through without forgetting what was chosen below', () => {
  const grown = tree();
  assert.equal(ids(grown), 'u1b');
  const back = withBranch(grown, 'u1b', -1);
  assert.equal(ids(back), 'u1 a1b');
  const older = withBranch(back, 'a1b', -1);
  assert.equal(ids(older), 'u1 a1 u2 a2');
  assert.equal(ids(withBranch(older, 'a1', -1)), ids(older)); // there is none before
  assert.equal(ids(withBranch(withBranch(older, 'u1', 1), 'u1b', -1)), ids(older));
  assert.deepEqual(
    childrenOf(grown, 'u1').map(({ id }) => id),
    ['a1', 'a1b'],
  );
});

test('a message that is removed takes along what follows it', () => {
  const rest = withoutNode(tree(), 'a1');
  assert.deepEqual(Object.keys(rest.nodes).sort(), ['a1b', 'u1', 'u1b']);
  assert.equal(ids(withoutNode(rest, 'u1b')), 'u1 a1b');
  assert.equal(ids(withoutNode(withoutNode(rest, 'u1b'), 'u1')), '');
});

test('what was taken away comes back with what followed, and what was said since stays', () => {
  const before = withBranch(tree(), 'u1b', -1);
  const since = withNode(withoutNode(before, 'a1'), answer('a1c', 'u1'));
  const back = withRestored(since, before, 'a1');
  assert.deepEqual(Object.keys(back.nodes).sort(), [...Object.keys(before.nodes), 'a1c'].sort());
  assert.equal(ids(back), 'u1 a1 u2 a2');
  assert.equal(withRestored(since, before, 'nobody'), since);
});

test('the history is the path to a message, with the instructions before it, whatever is shown', () => {
  const spoken = { ...tree(), settings: { ...defaults, system: 'Be kind.' } };
  assert.deepEqual(historyOf(spoken, 'u2'), [
    { role: 'system', content: 'Be kind.' },
    { role: 'user', content: 'text of u1' },
    { role: 'assistant', content: 'text of a1' },
    { role: 'user', content: 'text of u2' },
  ]);
});

test('what the model wrote stands for its answer in the history', () => {
  const messages = [{ role: 'assistant' as const, content: 'x', reasoning: 'y' }];
  const node = { ...(answer('a', 'u') as Extract<TreeNode, { role: 'assistant' }>), messages };
  const spoken = withNode(withNode(withNode(empty, user('u', null)), node), user('v', 'a'));
  assert.deepEqual(historyOf(spoken, 'v')[1], messages[0]);
});

test('an export is read again with ids of its own, branches and all', () => {
  let count = 0;
  const before = withBranch(tree(), 'u1b', -1);
  const after = fromJson(toJson(before), () => `n${count++}`);
  assert.equal(pathOf(after).length, pathOf(before).length);
  assert.deepEqual(
    pathOf(after).map((node) => node.created),
    pathOf(before).map((node) => node.created),
  );
  assert.equal(Object.keys(after.nodes).length, 6);
  assert.ok(Object.keys(after.nodes).every((id) => /^n\d+$/.test(id)));
});

test('what is no export, or a damaged one, is refused with words for people', () => {
  assert.throws(() => fromJson('{'), /no JSON/);
  assert.throws(() => fromJson('{"a":1}'), /no conversation that Ossia exported/);
  const damaged = (nodes: unknown) => JSON.stringify({ format: 'ossia-conversation', conversation: { nodes } });
  assert.throws(() => fromJson(damaged({ a: { role: 'user', parent: null, created: 1 } })), /damaged/);
  assert.throws(() => fromJson(damaged({ a: { role: 'user', parent: 'b', created: 1, text: '' } })), /not in it/);
});

test('Markdown for people has the branch that is shown, and fences that hold what is in them', () => {
  const text = toMarkdown(withBranch(tree(), 'u1b', -1));
  assert.match(
    text,
    /^# T\n\n## You\n\ntext of u1\n\n## m\n\n> hm\n\n\*\*f\*\*\n\n````\n\{"a":"```"\}\n````\n\n```\nfound\n```\n\ntext of a1b\n$/,
  );
});

test('a title is a line of the first words', () => {
  assert.equal(titleOf('  a\n b  '), 'a b');
  assert.equal(titleOf(`${'word '.repeat(30)}`), `${'word '.repeat(11)}word…`);
});
