import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { load, openTokenizer } from '../src/index.ts';
import { convertToGguf } from './support/gguf-writer.ts';
import { goldenDirectory } from './support/golden.ts';

const NANO = fileURLToPath(new URL('../models/ossia-nano', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ossia-'));
after(() => rmSync(folder, { recursive: true }));

async function tokenizerOf(path: string) {
  const checkpoint = await openCheckpoint(path, { map: false });
  try {
    return openTokenizer(checkpoint);
  } finally {
    checkpoint.close();
  }
}

test('a Hugging Face directory brings its tokenizer.json', async () => {
  const tokenizer = await tokenizerOf(NANO);
  assert.equal(tokenizer.specials.get('<|return|>'), 3065);
});

test("OpenAI's layout uses the tokenizer.json of the directory around it, by either path", async () => {
  const around = join(folder, 'around');
  cpSync(goldenDirectory('original-layout'), join(around, 'original'), { recursive: true });
  cpSync(join(NANO, 'tokenizer.json'), join(around, 'tokenizer.json'));
  for (const path of [around, join(around, 'original')]) {
    assert.equal((await tokenizerOf(path)).specials.get('<|call|>'), 3071);
  }
});

test('a model without a tokenizer says where it looked, unless its vocabulary is that of gpt-oss', async () => {
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  cpSync(goldenDirectory('original-layout'), bare, { recursive: true });
  await assert.rejects(tokenizerOf(bare), {
    code: 'tokenizer/bad-vocabulary',
    message: /no .*tokenizer\.json, and \d+ tokens/,
  });
  const checkpoint = await openCheckpoint(bare, { map: false });
  const metadata = { ...checkpoint.metadata, vocab_size: 201_088 };
  assert.equal(openTokenizer({ ...checkpoint, metadata }).specials.get('<|return|>'), 200_002);
});

test('a tokenizer.json that is none is named, and a pipe in its place holds nothing up', {
  timeout: 10_000,
}, async () => {
  const broken = join(folder, 'broken');
  cpSync(NANO, broken, { recursive: true });
  const file = join(broken, 'tokenizer.json');
  const refused = (found: string) =>
    assert.rejects(tokenizerOf(broken), {
      code: 'tokenizer/bad-vocabulary',
      message: `Cannot use the tokenizer of ${file}: ${found}`,
    });
  writeFileSync(file, '[]');
  await refused('Expected tokenizer.json to be an object, found []');
  rmSync(file);
  execFileSync('mkfifo', [file]);
  await refused('it is not a regular file');
});

test('a tokenizer with more tokens than the model has is refused when it is loaded', async () => {
  const other = join(folder, 'other');
  cpSync(NANO, other, { recursive: true });
  const file = join(other, 'tokenizer.json');
  const content = JSON.parse(readFileSync(file, 'utf8')) as { added_tokens: { id: number }[] };
  const [first] = content.added_tokens;
  const next = Math.max(...content.added_tokens.map(({ id }) => id)) + 1;
  for (const id of [next, next + 1]) content.added_tokens.push({ ...first!, id, ...{ content: `<|more_${id}|>` } });
  writeFileSync(file, JSON.stringify(content));
  await assert.rejects(load(other, { backend: 'reference', context: 1000 }), {
    code: 'tokenizer/bad-vocabulary',
    message: `Cannot use ${other}: its tokenizer names ${next + 2} tokens, but the model has ${next}`,
  });
});

for (const dialect of ['llama.cpp', 'ollama'] as const) {
  test(`the same model as a GGUF file of ${dialect} has the same tokens and gives the same answer`, async () => {
    const path = join(folder, `${dialect}.gguf`);
    await convertToGguf(NANO, path, { dialect, dense: 'bf16' });
    const texts: string[] = [];
    for (const name of [NANO, path]) {
      await using model = await load(name, { backend: 'reference', context: 1000 });
      let text = '';
      for await (const event of model.chat('What can you do?', { date: '2026-03-01', temperature: 0 })) {
        if (event.type === 'text') text += event.delta;
      }
      texts.push(text);
    }
    assert.match(texts[0]!, /^I can /);
    assert.equal(texts[1], texts[0]);
  });
}
