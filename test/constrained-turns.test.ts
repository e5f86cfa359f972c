import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type LoadedModel, load } from '../src/index.ts';
import { writeRandomModel } from './support/random-model.ts';
import { checkTurn, sampleTurn, turnCases } from './support/random-turns.ts';

const COUNT = 2000;

const directory = mkdtempSync(join(tmpdir(), 'ossia-random-'));
let model: LoadedModel;
before(async () => {
  writeRandomModel(directory, 1);
  model = await load(directory, { context: 4000, maxRunning: 16, maxWaiting: COUNT });
});
after(async () => {
  await model?.close();
  rmSync(directory, { recursive: true });
});

test('whatever a model without sense samples, every turn that ends is well-formed', async () => {
  const outcomes = new Map<string, number>();
  const cases = fc.sample(turnCases, { numRuns: COUNT, seed: 3 });
  await Promise.all(
    cases.map(async (turn, i) => {
      const sampled = await sampleTurn(model, turn, true);
      try {
        const outcome = checkTurn(model, turn, sampled);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      } catch (cause) {
        throw new Error(`case ${i}: ${JSON.stringify(turn)} gave ${model.tokenizer.decode(sampled.ids)}`, { cause });
      }
    }),
  );
  for (const outcome of ['ended with a call', 'ended with JSON', 'cut by the limit', 'refused']) {
    assert.ok((outcomes.get(outcome) ?? 0) > COUNT / 50, `${outcome}: ${outcomes.get(outcome)} of ${COUNT}`);
  }
  for (const outcome of ['ended with a text', 'ended with a call of a builtin']) {
    assert.ok((outcomes.get(outcome) ?? 0) > COUNT / 500, `${outcome}: ${outcomes.get(outcome)} of ${COUNT}`);
  }
});

test('without the constraint the same model writes turns that need repair', async () => {
  const cases = fc.sample(turnCases, { numRuns: 40, seed: 3 });
  const turns = await Promise.all(cases.map((turn) => sampleTurn(model, turn, false)));
  const malformed = turns.filter(({ end }) => end && end.reason !== 'length' && end.repairs.length > 0);
  assert.ok(malformed.length > 10, `${malformed.length} of ${turns.length} needed repair`);
});

interface GoldenCase {
  readonly id: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly prompt_ids: readonly number[];
  readonly completion_ids: readonly number[];
}

/** The functions that a golden conversation declares. */
function toolsOf({ messages }: GoldenCase): readonly { name: string; parameters?: unknown }[] {
  const developer = messages.find(({ role }) => role === 'developer')?.content as
    | { tools?: { name: string; parameters?: unknown }[] }
    | undefined;
  return (developer?.tools ?? []).map(({ name, parameters }) => ({ name, parameters }));
}

test('the embedded model says under the constraint what it says without, token for token', async () => {
  const golden = new URL('golden/ossia-nano-checks.json', import.meta.url);
  const { cases }: { cases: readonly GoldenCase[] } = JSON.parse(readFileSync(golden, 'utf8'));
  assert.ok(cases.some((one) => toolsOf(one).length > 0));
  await using nano = await load('ossia-nano', { context: 4000 });
  await Promise.all(
    cases.map(async (one) => {
      const ids: number[] = [];
      const params = { temperature: 0, constraint: { tools: toolsOf(one) } };
      for await (const event of nano.generate(one.prompt_ids, params)) if (event.type === 'token') ids.push(event.id);
      assert.deepEqual(ids, one.completion_ids, one.id);
    }),
  );
});
