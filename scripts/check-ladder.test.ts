import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { climb, importsOf, lookIn } from './check-ladder.ts';

function breachesOf(files: Record<string, string>): string[] {
  const src = mkdtempSync(join(tmpdir(), 'ladder-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(src, name)), { recursive: true });
      writeFileSync(join(src, name), text);
    }
    return climb(src).map(({ why }) => why);
  } finally {
    rmSync(src, { recursive: true });
  }
}

test('an import down the ladder by index.ts is fine', () => {
  assert.deepEqual(breachesOf({ 'engine/a.ts': "import { x } from '../model/index.ts';" }), []);
});

test('an import up the ladder is a breach', () => {
  assert.deepEqual(breachesOf({ 'model/a.ts': "import type { X } from '../engine/index.ts';" }), [
    'climbs from model to engine',
  ]);
});

test('folders on one rung do not know each other, not even by a dynamic import over several lines', () => {
  assert.deepEqual(breachesOf({ 'model/a.ts': "const h = await import(\n  '../harmony/index.ts'\n);" }), [
    'climbs from model to harmony',
  ]);
});

test('another folder is entered by its index.ts only', () => {
  assert.deepEqual(breachesOf({ 'cli/a.ts': "import {\n  a,\n  b,\n} from '../chat/turn.ts';" }), [
    'enters chat by turn.ts',
  ]);
});

test('a folder without a rung is named', () => {
  assert.deepEqual(breachesOf({ 'utils/a.ts': '' }), ['the folder has no rung: add it to scripts/ladder.ts']);
});

test('only cli imports the library front', () => {
  assert.deepEqual(
    breachesOf({
      'cli/a.ts': "import { load } from '../index.ts';",
      'chat/a.ts': "import { load } from '../index.ts';",
    }),
    ['only cli may import the library front'],
  );
});

test('side-effect imports and re-exports count', () => {
  assert.deepEqual(importsOf("import './a.ts';\nexport type * from './b.ts';\nexport { c } from \"./c.ts\";"), [
    './a.ts',
    './b.ts',
    './c.ts',
  ]);
});

test('the console imports types from src/api, and nothing else of src', () => {
  const root = mkdtempSync(join(tmpdir(), 'ladder-'));
  const web = join(root, 'web/src');
  try {
    mkdirSync(join(web, 'chat'), { recursive: true });
    const api = "'../../../src/api/index.ts';";
    writeFileSync(join(web, 'chat/fine.tsx'), `import type { A } from ${api}\nimport { b } from './b.ts';`);
    writeFileSync(join(web, 'chat/far.ts'), "import type { A } from '../../../src/chat/index.ts';");
    writeFileSync(join(web, 'chat/value.ts'), `import type { A } from ${api}\nimport { a } from ${api}`);
    const found = lookIn(web).map(({ file, why }) => `${file} ${why}`);
    assert.deepEqual(
      [...new Set(found)],
      ['web/src/chat/far.ts leaves the console', 'web/src/chat/value.ts imports more than types'],
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});
