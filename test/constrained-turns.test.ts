import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type ChatEnd, type ChatEvent, type ChatOptions, type LoadedModel, load } from '../src/index.ts';
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

/** One turn of a model that would think for ever: its thoughts never end by themselves, and its answers soon do. */
async function thinkForEver(
  options: ChatOptions,
  see: (event: ChatEvent) => void = () => {},
): Promise<{ text: string; thoughts: number; end: ChatEnd }> {
  const [end, stop] = ['<|end|>', '<|return|>'].map((name) => model.tokenizer.specials.get(name)!);
  let text = '';
  let thoughts = 0;
  let last: ChatEnd | undefined;
  const bias = { [end!]: -100, [stop!]: 9, ...options.logitBias };
  for await (const event of model.chat('Say something.', { date: null, seed: 5, ...options, logitBias: bias })) {
    see(event);
    if (event.type === 'text') text += event.delta;
    if (event.type === 'usage') thoughts = event.reasoningTokens;
    if (event.type === 'end') last = event;
  }
  assert.ok(last);
  return { text, thoughts, end: last };
}

/** Keeps the model from beginning with its answer. */
const thinking = () =>
  Object.fromEntries(['f', 'fi', 'fin', 'final'].map((word) => [model.tokenizer.encode(word)[0]!, -100]));

test('a thought without end is cut with the turn, unless something closes it, and the end says what', async () => {
  const cut = await thinkForEver({ maxTokens: 100, logitBias: thinking() });
  assert.deepEqual([cut.text, cut.end.reason, cut.end.reasoningCut], ['', 'length', undefined]);

  const budget = await thinkForEver({ maxTokens: 400, maxReasoningTokens: 30, logitBias: thinking() });
  assert.deepEqual([budget.end.reason, budget.end.reasoningCut], ['stop', 'budget']);
  assert.ok(budget.text !== '' && budget.thoughts < 50);

  const reserve = await thinkForEver({ maxTokens: 100, reserve: 40, logitBias: thinking() });
  assert.deepEqual([reserve.end.reason, reserve.end.reasoningCut], ['stop', 'budget']);
  assert.ok(reserve.text !== '' && reserve.thoughts > 40 && reserve.thoughts < 60, `${reserve.thoughts}`);
});

test('whoever waits can have the answer now', async () => {
  const answerNow = new AbortController();
  let seen = 0;
  const hurried = await thinkForEver(
    { maxTokens: 3000, answerNow: answerNow.signal, logitBias: thinking() },
    (event) => {
      if (event.type === 'reasoning' && ++seen === 5) answerNow.abort();
    },
  );
  assert.deepEqual([hurried.end.reason, hurried.end.reasoningCut], ['stop', 'answer_now']);
  assert.ok(hurried.text !== '' && hurried.thoughts < 2000, `${hurried.thoughts}`);
  const early = await thinkForEver({ maxTokens: 200, answerNow: AbortSignal.abort() });
  assert.deepEqual([early.end.reason, early.thoughts, early.end.reasoningCut], ['stop', 0, undefined]);
});

test('a thought that goes in circles is closed, and runs on where that is not wanted', async () => {
  const [word] = model.tokenizer.encode(' the');
  const circling = { maxTokens: 600, temperature: 0, logitBias: { [word!]: 90, ...thinking() } };
  const { end, thoughts } = await thinkForEver(circling);
  assert.equal(end.reasoningCut, 'loop');
  assert.ok(thoughts > 256 && thoughts < 320, `${thoughts}`);
  const free = await thinkForEver({ ...circling, loopDetection: false });
  assert.deepEqual([free.end.reasoningCut, free.end.reason], [undefined, 'length']);
});

test('where ends are ignored a turn has exactly as many tokens as were asked for', async () => {
  for (const maxTokens of [40, 90]) {
    let outputTokens = 0;
    for await (const event of model.chat('Hi', { date: null, maxTokens, ignoreEnd: true, maxReasoningTokens: 5 })) {
      if (event.type === 'usage') outputTokens = event.outputTokens;
      if (event.type === 'end') assert.equal(event.reason, 'length');
    }
    assert.equal(outputTokens, maxTokens);
  }
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
