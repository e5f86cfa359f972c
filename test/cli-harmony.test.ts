import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ask } from './support/command.ts';

/** Every golden Harmony case, through the command: what a check from outside sees. */
function golden(name: string): string {
  return readFileSync(new URL(`./golden/harmony/${name}.json`, import.meta.url), 'utf8');
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

interface RenderCase {
  readonly id: string;
  readonly expected: {
    readonly text?: string;
    readonly tokens?: readonly number[];
    readonly error?: string;
    readonly text_sha256?: string;
    readonly tokens_count?: number;
    readonly tokens_sha256?: string;
  };
}

test('inspect render gives the text and the ids of every golden conversation', async () => {
  const source = golden('render');
  const { cases } = JSON.parse(source) as { cases: RenderCase[] };
  const { answers, outcome } = await ask(['inspect', 'render'], caseTexts(source));
  assert.equal(answers.length, cases.length, outcome.stderr);
  cases.forEach(({ id, expected }, i) => {
    const { text, ids, error } = answers[i] as {
      text: string;
      ids: number[];
      error?: { code: string; message: string };
    };
    if (expected.error !== undefined) assert.ok(error?.code && error.message, id);
    else if (expected.tokens) assert.deepEqual({ text, ids }, { text: expected.text, ids: expected.tokens }, id);
    else {
      const found = { text_sha256: sha256(text), tokens_count: ids.length, tokens_sha256: sha256(ids.join(',')) };
      const { text_sha256, tokens_count, tokens_sha256 } = expected;
      assert.deepEqual(found, { text_sha256, tokens_count, tokens_sha256 }, id);
    }
  });
  assert.equal(outcome.code, 0);
});

/**
 * The cases as they stand in the file, a line each: JSON.parse and JSON.stringify would turn 1.0 into 1 and put
 * integer-like keys first, and the text of a schema depends on both.
 */
function caseTexts(source: string): string[] {
  const start = source.indexOf('[', source.indexOf('"cases"'));
  const texts: string[] = [];
  let depth = 0;
  let begin = 0;
  for (let at = start; at < source.length; at++) {
    const char = source[at]!;
    if (char === '"') {
      while (source[++at] !== '"') if (source[at] === '\\') at++;
    } else if (char === '{' && depth++ === 0) begin = at;
    else if (char === '}' && --depth === 0) texts.push(source.slice(begin, at + 1).replaceAll('\n', ' '));
    else if (char === ']' && depth === 0) break;
  }
  return texts;
}

test('inspect parse gives the messages of every golden completion, or refuses it', async () => {
  const { cases } = JSON.parse(golden('parse')) as {
    cases: { id: string; expected: { messages?: unknown[]; error?: string } }[];
  };
  const { answers, outcome } = await ask(['inspect', 'parse'], cases);
  assert.equal(answers.length, cases.length, outcome.stderr);
  cases.forEach(({ id, expected }, i) => {
    const { messages, error } = answers[i] as { messages?: unknown[]; error?: { code: string } };
    if (expected.error !== undefined) assert.equal(error?.code, 'harmony/parse', id);
    else assert.deepEqual(messages, expected.messages, id);
  });
  assert.equal(outcome.code, 0);
});

test('inspect parse --recover gives the messages of every malformed turn and names the repairs', async () => {
  const { toolsets, cases } = JSON.parse(golden('malformed')) as {
    toolsets: Record<string, unknown[]>;
    cases: { id: string; tools: string; expected: { messages: unknown[]; repairs: unknown[] } }[];
  };
  const requests = cases.map((item) => ({ ...item, tools: toolsets[item.tools] ?? [] }));
  const { answers, outcome } = await ask(['inspect', 'parse', '--recover'], requests);
  assert.equal(answers.length, cases.length, outcome.stderr);
  cases.forEach(({ id, expected }, i) => {
    const { messages, repairs } = answers[i] as { messages: unknown[]; repairs: unknown[] };
    assert.deepEqual(messages, expected.messages, id);
    assert.equal(repairs.length > 0, expected.repairs.length > 0, id);
  });
  assert.equal(outcome.code, 0);
});
