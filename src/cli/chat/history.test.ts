import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { History } from './history.ts';

const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

test('entries come back newest first in the next chat, each once, in a file of the user alone', () => {
  const directory = join(folder, 'state', 'ossia');
  const history = new History(directory);
  for (const text of ['one', 'two\nlines', 'one']) history.add(text);
  history.save();
  assert.deepEqual(new History(directory).entries, ['one', 'two\nlines']);
  assert.equal(statSync(join(directory, 'chat-history.jsonl')).mode & 0o777, 0o600);
});

test('a damaged file and a directory that cannot be made cost the history and nothing else', () => {
  writeFileSync(join(folder, 'chat-history.jsonl'), '{"half');
  assert.deepEqual(new History(folder).entries, []);
  new History(join(folder, 'chat-history.jsonl', 'below-a-file')).save();
});

test('without a directory nothing is kept on disk', () => {
  const history = new History(undefined);
  history.add('secret');
  history.save();
  assert.deepEqual(new History(undefined).entries, []);
});
