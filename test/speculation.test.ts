import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { ChatEvent, ChatOptions, EndEvent, LoadedModel, TokenEvent } from '../src/index.ts';
import { load } from '../src/index.ts';
import { cpuMissing } from './support/backends.ts';
import { goldenDirectory } from './support/golden.ts';

// Tokens that are guessed and computed ahead change nothing but the time: ossia-nano with and without, to the last bit of a logprob.

const skip = await cpuMissing();
const checks = JSON.parse(readFileSync(goldenDirectory('ossia-nano-checks.json'), 'utf8')) as {
  readonly cases: readonly { readonly prompt_ids: readonly number[] }[];
};
const prompts = checks.cases.map(({ prompt_ids }) => prompt_ids);
const NUMBERS = 'Repeat after me: one two three four, one two three four, one two three four.';

let [without, guessing]: LoadedModel[] = [];
before(async () => {
  if (skip) return;
  const options = { backend: 'cpu', threads: 2, context: 1024 } as const;
  [without, guessing] = await Promise.all([
    load('ossia-nano', { ...options, speculate: 'off' }),
    load('ossia-nano', { ...options, speculate: 8 }),
  ]);
});
after(async () => {
  await Promise.all([without?.close(), guessing?.close()]);
});

async function generate(model: LoadedModel, ids: readonly number[], params: Parameters<LoadedModel['generate']>[1]) {
  const tokens: TokenEvent[] = [];
  let end: EndEvent | undefined;
  for await (const event of model.generate(ids, params)) {
    if (event.type === 'token') tokens.push(event);
    else end = event;
  }
  return { tokens, end: end! };
}

test('tokens and logprobs are the same with and without, and so is what goes on from them', { skip }, async () => {
  let accepted = 0;
  const request = fc.record({
    prompt: fc.constantFrom(...prompts),
    maxTokens: fc.integer({ min: 1, max: 100 }),
    seed: fc.nat(),
    temperature: fc.constantFrom(0, 1),
    frequencyPenalty: fc.constantFrom(0, 0, 0.5),
    topLogprobs: fc.constantFrom(0, 2),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 3 }), async (requests) => {
      const ask = (model: LoadedModel) =>
        Promise.all(
          requests.map(async ({ prompt, ...params }) => {
            const first = await generate(model, prompt, { ...params, stopIds: [] });
            const next = [...prompt, ...first.tokens.map(({ id }) => id), 17];
            const second = await generate(model, next, { ...params, maxTokens: 20, stopIds: [] });
            accepted += (first.end.speculation?.accepted ?? 0) + (second.end.speculation?.accepted ?? 0);
            return [first.tokens, second.tokens];
          }),
        );
      assert.deepEqual(await ask(guessing!), await ask(without!));
    }),
    { numRuns: 25 },
  );
  assert.ok(accepted > 100, `${accepted} came true`);
});

test('a constrained turn says the same, and its usage tells what came true', { skip }, async () => {
  const responseFormat: NonNullable<ChatOptions['responseFormat']> = {
    name: 'names',
    schema: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] } },
  };
  const usages: Extract<ChatEvent, { type: 'usage' }>[] = [];
  const ask = async (model: LoadedModel, seed: number, options: Parameters<LoadedModel['chat']>[1]) => {
    const events: unknown[] = [];
    for await (const event of model.chat(NUMBERS, { seed, maxTokens: 120, topLogprobs: 1, ...options })) {
      if (event.type === 'usage' && model === guessing) usages.push(event);
      if (event.type === 'usage') events.push({ ...event, speculation: undefined, cachedTokens: 0 });
      else events.push(event.type === 'end' ? { ...event, timing: undefined } : event);
    }
    return events;
  };
  for (const seed of [1, 2, 3]) {
    const all: ChatOptions[] = [{}, { temperature: 0 }, { responseFormat }, { temperature: 0, responseFormat }];
    for (const options of all) {
      assert.deepEqual(await ask(guessing!, seed, options), await ask(without!, seed, options));
    }
  }
  const guessed = usages.flatMap(({ speculation }) => speculation ?? []);
  assert.ok(guessed.some(({ accepted }) => accepted > 0));
  assert.ok(guessed.every(({ drafted, accepted }) => drafted >= accepted));
});

test('a turn that is cancelled while it guesses leaves what is kept as it was', { skip }, async () => {
  const [prompt] = prompts;
  const expected = await generate(without!, prompt!, { maxTokens: 60, temperature: 0, stopIds: [] });
  for (const count of [3, 7, 20, 41]) {
    const tokens: TokenEvent[] = [];
    for await (const event of guessing!.generate(prompt!, { temperature: 0, stopIds: [] })) {
      if (event.type === 'token' && tokens.push(event) === count) break;
    }
    const again = await generate(guessing!, prompt!, { maxTokens: 60, temperature: 0, stopIds: [] });
    assert.deepEqual(again.tokens, expected.tokens);
  }
});
