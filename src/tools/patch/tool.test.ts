import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Tool, ToolResult } from '../types.ts';
import { openPatch } from './tool.ts';
import { writeAll } from './write.ts';

const top = await mkdtemp(join(tmpdir(), 'ossia-patch-'));
after(() => rm(top, { recursive: true, force: true }));
let count = 0;

const signal = new AbortController().signal;

/** A folder of its own with these files. */
async function folderOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<{ path: string; tool: Tool }> {
  const path = join(top, `${count++}`, 'folder');
  await mkdir(path, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true });
    await writeFile(join(path, name), content);
  }
  return { path, tool: await openPatch({ folder: path }) };
}

function call(tool: Tool, name: string, args: unknown): Promise<ToolResult> {
  return tool.call({ name, arguments: JSON.stringify(args), conversation: 'c', signal });
}

function patch(tool: Tool, body: string): Promise<ToolResult> {
  return call(tool, 'apply_patch', { input: `*** Begin Patch\n${body}\n*** End Patch` });
}

/** All files below, with their contents. */
async function contents(path: string): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const name = join(entry.parentPath, entry.name);
    all[name.slice(path.length + 1)] = await readFile(name, 'utf8');
  }
  return all;
}

test('one patch adds, changes, moves and deletes, and says what it did', async () => {
  const { path, tool } = await folderOf({
    'a.txt': 'one\ntwo\n',
    'b.txt': 'b\n',
    'c.txt': 'c1\nc2\n',
    'run.sh': 'echo\n',
  });
  await chmod(join(path, 'run.sh'), 0o755);
  const result = await patch(
    tool,
    `*** Update File: a.txt
-two
+zwei
+drei
*** Update File: run.sh
*** Move to: bin/run.sh
-echo
+echo hi
*** Delete File: c.txt
*** Add File: new/deep/d.txt
+d`,
  );
  assert.equal(result.isError, undefined, result.text);
  assert.deepEqual(result.action, {
    type: 'patch',
    files: [
      { path: 'a.txt', change: 'update', added: 2, removed: 1 },
      { path: 'bin/run.sh', change: 'move', added: 1, removed: 1 },
      { path: 'c.txt', change: 'delete', added: 0, removed: 2 },
      { path: 'new/deep/d.txt', change: 'add', added: 1, removed: 0 },
    ],
  });
  assert.match(
    result.text,
    /^Done:\nupdate a\.txt \(\+2 -1\)\nmove bin\/run\.sh.*\n.*\nadd new\/deep\/d\.txt \(\+1 -0\)\nNote: bin\/run\.sh was run\.sh$/,
  );
  assert.deepEqual(await contents(path), {
    'a.txt': 'one\nzwei\ndrei\n',
    'b.txt': 'b\n',
    'bin/run.sh': 'echo hi\n',
    'new/deep/d.txt': 'd\n',
  });
  assert.equal((await stat(join(path, 'bin/run.sh'))).mode & 0o777, 0o755);
});

test('a patch of which any part fails changes nothing, and leaves nothing behind', async () => {
  const files = {
    'a.txt': 'one\n',
    'b.txt': 'b\n',
    'bytes.bin': new Uint8Array([1, 0, 2]),
    'latin.txt': new Uint8Array([0xe4]),
  };
  const { path, tool } = await folderOf(files);
  await mkdir(join(path, 'sub'));
  const before = await contents(path);
  const cases: readonly (readonly [string, RegExp])[] = [
    ['*** Update File: b.txt\n-x\n+y', /b\.txt, hunk 1 .*: these lines are not in the file/],
    ['*** Update File: no.txt\n-x\n+y', /no\.txt: there is no such file/],
    ['*** Delete File: no.txt', /no\.txt: there is no such file/],
    ['*** Delete File: sub', /sub is a folder/],
    ['*** Add File: b.txt\n+x', /b\.txt exists already: change it/],
    ['*** Update File: b.txt\n*** Move to: bytes.bin', /bytes\.bin exists already/],
    ['*** Add File: b.txt/x\n+x', /b\.txt is no folder/],
    ['*** Update File: bytes.bin\n-x\n+y', /bytes\.bin is no text/],
    ['*** Update File: latin.txt\n-x\n+y', /latin\.txt is no text in UTF-8/],
    ['*** Update File: a.txt\n-one\n+two', /a\.txt comes up twice/],
    ['*** Delete File: ./sub/../a.txt', /".." is refused/],
    ['*** Add File: c.txt\n+c\n*** Add File: c.txt/d.txt\n+d', /EISDIR|ENOTDIR|EEXIST/],
  ];
  for (const [body, message] of cases) {
    const result = await patch(tool, `*** Update File: a.txt\n-one\n+changed\n${body}`);
    assert.equal(result.isError, true, body);
    assert.match(result.text, /^Nothing was changed\. /);
    assert.match(result.text, message);
    assert.deepEqual(await contents(path), before, body);
    assert.deepEqual((await readdir(path)).sort(), ['a.txt', 'b.txt', 'bytes.bin', 'latin.txt', 'sub']);
  }
});

test('what fails halfway through the renaming is taken back', async () => {
  const { path } = await folderOf({ 'a.txt': 'one\n', 'b.txt': 'b\n', 'dir/x': 'x' });
  const before = await contents(path);
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const writes = [
    { path: join(path, 'a.txt'), before: bytes('one\n'), after: 'changed\n' },
    { path: join(path, 'b.txt'), before: bytes('b\n'), after: undefined },
    { path: join(path, 'new/deep/c.txt'), before: undefined, after: 'c\n' },
    { path: join(path, 'dir'), before: undefined, after: 'no file can be there\n' },
  ];
  await assert.rejects(writeAll(writes), { code: /EISDIR|EEXIST|EPERM|ENOTEMPTY/ });
  assert.deepEqual(await contents(path), before);
  assert.deepEqual((await readdir(path)).sort(), ['a.txt', 'b.txt', 'dir']);
  await assert.rejects(writeAll([{ ...writes[0]!, before: bytes('other\n') }]), /changed by somebody else/);
  await assert.rejects(writeAll([{ ...writes[0]!, before: undefined }]), /changed by somebody else/);
  await writeAll(writes.slice(0, 3));
  assert.deepEqual(await contents(path), { 'a.txt': 'changed\n', 'dir/x': 'x', 'new/deep/c.txt': 'c\n' });
});

test('nothing outside the folder can be reached, and nothing of Git', async () => {
  const { path, tool } = await folderOf({ 'a.txt': 'a\n', '.git/config': '[core]\n', 'inner/x.txt': 'x\n' });
  await writeFile(join(path, '../secret.txt'), 'secret\n');
  await mkdir(join(path, '../other'));
  await symlink(join(path, '../secret.txt'), join(path, 'link.txt'));
  await symlink(join(path, '../other'), join(path, 'out'));
  await symlink(join(path, '../missing.txt'), join(path, 'dangling.txt'));
  await symlink('.git', join(path, 'innocent'));
  await symlink('inner', join(path, 'within'));
  const refused = [
    ['../secret.txt', /".." is refused/],
    ['inner/../../secret.txt', /".." is refused/],
    [join(path, '../secret.txt'), /outside the folder/],
    ['/etc/passwd', /outside the folder/],
    [`${path}-sibling/x`, /outside the folder/],
    ['link.txt', /leads out of the folder/],
    ['out/new.txt', /leads out of the folder/],
    ['dangling.txt', /leads nowhere/],
    ['.git/config', /Git/],
    ['.GIT/config', /Git/],
    ['.git./config', /Git/],
    ['.g\u200cit/config', /Git/],
    ['innocent/config', /Git/],
    ['inner/.git/hooks/pre-commit', /Git/],
    ['a\0b', /NUL/],
  ] as const;
  for (const [name, message] of refused) {
    assert.match((await patch(tool, `*** Add File: ${name}\n+evil`)).text, message, name);
    assert.match((await patch(tool, `*** Update File: ${name}\n-secret\n+evil`)).text, message, name);
    assert.match((await patch(tool, `*** Update File: a.txt\n*** Move to: ${name}\n-a\n+evil`)).text, message, name);
    assert.match((await call(tool, 'read_file', { path: name })).text, message, name);
    assert.match((await call(tool, 'list_files', { path: name })).text, message, name);
    assert.match((await call(tool, 'search_text', { path: name, query: 'e' })).text, message, name);
  }
  assert.equal(await readFile(join(path, '../secret.txt'), 'utf8'), 'secret\n');
  assert.deepEqual(await readdir(join(path, '../other')), []);
  assert.doesNotMatch((await call(tool, 'list_files', {})).text, /\.git/);
  assert.match((await call(tool, 'search_text', { query: 'core' })).text, /nowhere/);
  assert.equal((await patch(tool, '*** Update File: within/x.txt\n-x\n+y')).isError, undefined);
  assert.equal((await patch(tool, `*** Update File: ${join(path, 'a.txt')}\n-a\n+b`)).isError, undefined);
  assert.deepEqual(
    [await readFile(join(path, 'inner/x.txt'), 'utf8'), await readFile(join(path, 'a.txt'), 'utf8')],
    ['y\n', 'b\n'],
  );
});

test('what is neither file nor folder is not opened', { skip: process.platform === 'win32' }, async () => {
  const { path, tool } = await folderOf({});
  execFileSync('mkfifo', [join(path, 'pipe')]);
  assert.match((await call(tool, 'read_file', { path: 'pipe' })).text, /no file/);
  assert.match((await call(tool, 'search_text', { query: 'x' })).text, /nowhere/);
});

test('a patch comes as the function’s argument, as plain text, or as a JSON text', async () => {
  const { path, tool } = await folderOf({});
  const add = (name: string): string => `*** Begin Patch\n*** Add File: ${name}\n+x\n*** End Patch\n`;
  for (const [name, args] of [
    ['a', JSON.stringify({ input: add('a') })],
    ['b', add('b')],
    ['c', JSON.stringify(add('c'))],
  ] as const) {
    const result = await tool.call({ name: 'apply_patch', arguments: args, conversation: 'c', signal });
    assert.equal(result.isError, undefined, result.text);
    assert.equal(await readFile(join(path, name), 'utf8'), 'x\n');
  }
  for (const args of ['{"input"', '{}', '{"input": 1}', '[]', 'null', '']) {
    const result = await tool.call({ name: 'apply_patch', arguments: args, conversation: 'c', signal });
    assert.equal(result.isError, true, args);
    assert.match(result.text, /^Nothing was changed\. The arguments are /);
  }
});

test('patches at the same time come one after the other', async () => {
  const { path, tool } = await folderOf({ 'n.txt': '0\n' });
  const results = await Promise.all(
    Array.from({ length: 10 }, (_, n) => patch(tool, `*** Update File: n.txt\n-${n}\n+${n + 1}`)),
  );
  assert.ok(results.every(({ isError }) => isError === undefined));
  assert.equal(await readFile(join(path, 'n.txt'), 'utf8'), '10\n');
});

test('reads files in parts', async () => {
  const long = Array.from({ length: 1200 }, (_, n) => `line ${n + 1}`).join('\r\n');
  const { tool } = await folderOf({ 'long.txt': long, 'empty.txt': '', 'wide.txt': 'w'.repeat(100_000) });
  const read = async (args: unknown): Promise<string> => (await call(tool, 'read_file', args)).text;
  assert.match(await read({ path: 'long.txt' }), /^long\.txt, lines 1 to 500 of 1200:\nline 1\n[\s\S]*line 500$/);
  assert.equal(
    await read({ path: 'long.txt', first_line: 1199, lines: 9 }),
    'long.txt, lines 1199 to 1200 of 1200:\nline 1199\nline 1200',
  );
  assert.match(await read({ path: 'long.txt', first_line: 1201 }), /has 1200 lines, and none from 1201/);
  assert.equal(await read({ path: 'empty.txt' }), 'empty.txt is empty.');
  assert.ok((await read({ path: 'wide.txt' })).length < 41_000);
  assert.match(await read({ path: 'long.txt', first_line: 0 }), /first_line/);
  assert.match(await read({ path: '.' }), /is a folder/);
});

test('lists and searches, within bounds', async () => {
  const { path, tool } = await folderOf({
    'src/a.ts': 'const Alpha = 1;\nalpha();\n',
    'src/deep/b.ts': `${'x'.repeat(1000)}alpha${'y'.repeat(1000)}\n`,
    'node_modules/m/index.js': 'alpha\n',
    'bin.dat': new Uint8Array([0, 97]),
  });
  const list = async (args: unknown): Promise<string> => (await call(tool, 'list_files', args)).text;
  assert.equal(await list({}), 'bin.dat\nnode_modules/\nsrc/\nsrc/a.ts\nsrc/deep/\nsrc/deep/b.ts');
  assert.match(await list({ depth: 1 }), /^bin\.dat\nnode_modules\/\nsrc\/\n\(There is more/);
  assert.equal(await list({ path: 'src/deep' }), 'src/deep/b.ts');
  assert.match(await list({ path: 'src/a.ts' }), /is a file/);
  const search = async (args: unknown): Promise<string> => (await call(tool, 'search_text', args)).text;
  const found = await search({ query: 'alpha' });
  assert.match(found, /^src\/a\.ts:1: const Alpha = 1;\nsrc\/a\.ts:2: alpha\(\);\nsrc\/deep\/b\.ts:1: …x+alphay+…$/);
  assert.ok(found.length < 500);
  assert.doesNotMatch(await search({ query: 'alpha', match_case: true }), /a\.ts:1:/);
  assert.match(await search({ query: 'alpha', path: 'node_modules' }), /^node_modules\/m\/index\.js:1: alpha$/);
  assert.match(await search({ query: 'nothing like it' }), /^Found nowhere in 3 files\.$/);
  await Promise.all(Array.from({ length: 600 }, (_, n) => writeFile(join(path, `f${n}`), 'beta\n')));
  assert.equal((await list({})).split('\n').length, 501);
  assert.equal((await search({ query: 'beta' })).split('\n').length, 101);
});

test('changing asks first, unless the user says otherwise; reading never does; a folder must be there', async () => {
  const { path, tool } = await folderOf({ 'a.txt': 'a' });
  const asks = (each: Tool): readonly string[] =>
    ['apply_patch', 'read_file', 'list_files', 'search_text'].filter((name) =>
      each.needsApproval?.({ name, arguments: '' }),
    );
  assert.deepEqual(asks(tool), ['apply_patch']);
  assert.deepEqual(asks(await openPatch({ folder: path, approve: 'never' })), []);
  assert.deepEqual(
    (await tool.functions?.(signal))?.map(({ name }) => name),
    ['apply_patch', 'read_file', 'list_files', 'search_text'],
  );
  await assert.rejects(openPatch({ folder: join(path, 'no') }), { code: 'tools/no-folder' });
  await assert.rejects(openPatch({ folder: join(path, 'a.txt') }), { code: 'tools/no-folder' });
  await assert.rejects(
    tool.call({ name: 'apply_patch', arguments: '', conversation: 'c', signal: AbortSignal.abort(new Error('left')) }),
    /left/,
  );
  assert.match((await call(tool, 'delete_all', {})).text, /no function delete_all/);
});
