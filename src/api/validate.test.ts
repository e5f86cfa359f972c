import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { validate } from './validate.ts';

const schema = z.object({
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).max(2)]).nullish(),
  prompt: z
    .union([z.string(), z.array(z.int()).min(1), z.array(z.string()).max(2), z.array(z.array(z.int()))])
    .nullish(),
  content: z.union([z.string(), z.array(z.object({ text: z.string() }))]).nullish(),
});

function complaint(body: unknown): string {
  try {
    validate(schema, body);
  } catch (error) {
    return (error as Error).message;
  }
  assert.fail('it was taken');
}

test('of the forms that a parameter may have, the complaint is that of the one that was meant', () => {
  assert.match(complaint({ stop: ['a', 'b', 'c'] }), /^stop: Too big: .*<=2/);
  assert.match(complaint({ stop: '' }), /^stop: Too small/);
  assert.match(complaint({ stop: ['a', ''] }), /^stop\[1\]: Too small/);
  assert.match(complaint({ prompt: ['a', 'b', 'c'] }), /^prompt: Too big: .*<=2/);
  assert.match(complaint({ content: [{ text: 'a' }, { text: 1 }] }), /^content\[1\]\.text: .*expected string/);
});
