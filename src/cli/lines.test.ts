import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { splitLines } from './lines.ts';

async function lines(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const found: string[] = [];
  for await (const line of splitLines(Readable.from(chunks.map((chunk) => Buffer.from(chunk))))) found.push(line);
  return found;
}

test('lines end at line feeds, wherever the chunks are cut', async () => {
  assert.deepEqual(await lines('a', 'b\nc', '', 'd\n\ne'), ['ab', 'cd', '', 'e']);
  assert.deepEqual(await lines('a\r\nb\r', '\n'), ['a', 'b']);
  assert.deepEqual(await lines('a\n'), ['a']);
  assert.deepEqual(await lines(), []);
});

test('line and paragraph separators are part of a line, as in JSON texts', async () => {
  assert.deepEqual(await lines('{"text":"a\u2028b\u2029c\u0085d"}\n'), ['{"text":"a\u2028b\u2029c\u0085d"}']);
});

test('a character cut in half by a chunk stays whole', async () => {
  const bytes = Buffer.from('é🙂\nz');
  assert.deepEqual(await lines(bytes.subarray(0, 4), bytes.subarray(4)), ['é🙂', 'z']);
});
