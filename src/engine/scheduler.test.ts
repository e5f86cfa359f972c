import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { Generation } from './generation.ts';
import { maxWindowBlocks } from './limits.ts';
import { LocalEngine } from './local.ts';
import { resolveParams } from './params.ts';
import { Scheduler } from './scheduler.ts';
import type { Speculate } from './speculation.ts';
import { alone, collect, FakeRunner, type Outcome, open, promptOf, steps } from './testing.ts';
import type { EndEvent, GenerateEvent } from './types.ts';

test('tokens are those of a lonely run, whatever the prompts, chunks, neighbours, kept prefixes and room', async () => {
  const request = fc.record({
    shared: fc.integer({ min: 0, max: 29 }), // how much of a common opening it has
    own: fc.array(fc.nat(52), { minLength: 1, maxLength: 40 }),
    maxTokens: fc.integer({ min: 1, max: 30 }),
    seed: fc.nat(1000),
    stopIds: fc.constantFrom([], [11, 30]),
    repetitionPenalty: fc.constantFrom(1, 1.4),
    later: fc.boolean(), // submitted after the ones before it are done
  });
  const machine = fc.record({
    blockSize: fc.integer({ min: 3, max: 9 }),
    spare: fc.integer({ min: 0, max: 12 }), // blocks beyond what the largest request needs
    maxRunning: fc.integer({ min: 1, max: 5 }),
    maxKept: fc.constantFrom(0, 3, 11, 99),
    window: fc.integer({ min: 1, max: 21 }),
    alone: fc.integer({ min: 1, max: 33 }),
    besideDecode: fc.integer({ min: 1, max: 9 }),
    speculate: fc.constantFrom<Speculate[]>('off', 'auto', 1, 3, 8),
    vocabSize: fc.constantFrom(3, 53), // of three ids, drafts often come true
  });
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 7 }), machine, async (made, shape) => {
      const { vocabSize, speculate } = shape;
      const inside = (ids: readonly number[]) => ids.map((id) => id % vocabSize);
      const requests = made.map((one) => ({ ...one, own: inside(one.own), stopIds: inside(one.stopIds) }));
      const opening = inside(promptOf(29, 17));
      const prompts = requests.map(({ shared, own }) => [...opening.slice(0, shared), ...own]);
      const longest = Math.max(...requests.map(({ maxTokens }, i) => prompts[i]!.length + maxTokens));
      const capacity = Math.ceil((longest + 1) / shape.blockSize) + shape.spare;
      const scheduling = { maxRunning: shape.maxRunning, maxKept: shape.maxKept, prefill: shape, speculate };
      const windowCapacity = maxWindowBlocks({ ...shape, capacity }, scheduling);
      const { runner, engine } = open({ ...shape, capacity, windowCapacity, contextLength: 200 }, scheduling);
      const pending: Promise<Outcome>[] = [];
      for (const [i, { own: _own, shared: _shared, later, ...params }] of requests.entries()) {
        if (later) await Promise.all(pending);
        pending.push(collect(engine.submit(prompts[i]!, { temperature: 1, ...params })));
      }
      const outcomes = await Promise.all(pending);
      outcomes.forEach(({ ids, end }, i) => {
        const { maxTokens, seed, stopIds, repetitionPenalty } = requests[i]!;
        assert.deepEqual(
          ids,
          alone(prompts[i]!, { temperature: 1, maxTokens, seed, stopIds, repetitionPenalty }, vocabSize),
        );
        assert.equal(end.reason, stopIds.some((id) => id === ids.at(-1)) ? 'stop' : 'length');
        assert.equal(end.promptTokens, prompts[i]!.length);
      });
      await engine.close();
      assert.equal(runner.blocksInUse(), 0, 'every block comes back');
    }),
    { numRuns: 150 },
  );
});

test('a long prompt is computed in pieces beside a sequence that keeps decoding', async () => {
  const { runner, engine } = open({}, { prefill: { alone: 100, besideDecode: 13 } });
  const talking = collect(engine.submit(promptOf(5), { maxTokens: 40, temperature: 0 }));
  await steps(runner, 3);
  const long = collect(engine.submit(promptOf(120, 9), { maxTokens: 2, temperature: 0 }));
  await Promise.all([talking, long]);
  const mixed = runner.steps.filter((step) => step.length === 2);
  assert.ok(mixed.length >= 10);
  for (const step of mixed.slice(0, 9)) assert.deepEqual([step[0]!.length, step[1]!.length], [1, 13]);
  await engine.close();
});

test('a short prompt is answered before a longer one that came first is even read', async () => {
  const { engine } = open({}, { prefill: { alone: 20, besideDecode: 20 } });
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  await Promise.all([
    collect(engine.submit(promptOf(300), { maxTokens: 1 })).then(note('long')),
    collect(engine.submit(promptOf(7, 5), { maxTokens: 3 })).then(note('short')),
  ]);
  assert.deepEqual(order, ['short', 'long']);
  await engine.close();
});

test('requests start in the order in which they came, as many at a time as allowed', async () => {
  const { runner, engine } = open({}, { maxRunning: 2 });
  const prompts = [1, 2, 3, 4, 5].map((id) => [id]);
  await Promise.all(prompts.map((prompt) => collect(engine.submit(prompt, { maxTokens: 3, temperature: 0 }))));
  assert.deepEqual(
    runner.steps
      .flat()
      .filter((ids) => prompts.some((prompt) => prompt[0] === ids[0]))
      .slice(0, 2),
    [[1], [2]],
  );
  assert.ok(runner.steps.every((step) => step.length <= 2));
  await engine.close();
});

test('a full queue refuses the next request and goes on with the others', async () => {
  const { engine } = open({}, { maxRunning: 1, maxWaiting: 3 });
  const accepted = [1, 2, 3].map((id) => collect(engine.submit([id], { maxTokens: 2 })));
  await assert.rejects(collect(engine.submit([4], { maxTokens: 2 })), {
    code: 'engine/queue-full',
    message: /0 are running and 3 waiting/,
  });
  await Promise.all(accepted);
  await collect(engine.submit([5], { maxTokens: 2 }));
  await engine.close();
});

test('a prompt that leaves no room for an answer is refused with both numbers before anything runs', async () => {
  const { runner, engine } = open({ contextLength: 61 });
  await assert.rejects(collect(engine.submit(promptOf(61))), {
    code: 'engine/context-full',
    message: /61 tokens: the context holds 61/,
  });
  assert.equal(runner.steps.length, 0);
  const last = await collect(engine.submit(promptOf(60), { maxTokens: 9 }));
  assert.deepEqual([last.ids.length, last.end.reason], [1, 'length']);
  const rest = await collect(engine.submit(promptOf(50), { stopIds: [] }));
  assert.equal(rest.ids.length, 11);
  await engine.close();
});

test('wrong prompts and parameters are refused at the first read', async () => {
  const { engine } = open();
  await assert.rejects(collect(engine.submit([])), { code: 'engine/bad-parameter' });
  await assert.rejects(collect(engine.submit([1, 53])), { code: 'engine/bad-parameter', message: /ids\[1\] .*got 53/ });
  await assert.rejects(collect(engine.submit([1], { topP: 0 })), { code: 'engine/bad-parameter' });
  await engine.close();
});

test('a stop id ends the generation and is its last token', async () => {
  const { engine } = open();
  const free = alone([9, 4], { maxTokens: 12, temperature: 0 });
  const stop = free[5]!;
  const { ids, end } = await collect(engine.submit([9, 4], { maxTokens: 12, temperature: 0, stopIds: [stop] }));
  assert.deepEqual(ids, free.slice(0, free.indexOf(stop) + 1));
  assert.equal(end.reason, 'stop');
  await engine.close();
});

test('a fired signal ends a running request at once, even during a step, and the next step is without it', async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  let count = 0;
  const { runner, engine } = open({ beforeStep: () => (++count === 4 ? gate : undefined) });
  const abort = new AbortController();
  const cancelled = collect(engine.submit([1, 2], { maxTokens: 50, stopIds: [] }, { signal: abort.signal }));
  const other = collect(engine.submit([3, 4], { maxTokens: 9, stopIds: [] }));
  while (count < 4) await new Promise((resolve) => setImmediate(resolve));
  abort.abort();
  const { ids, end } = await cancelled; // while step 4 hangs
  assert.deepEqual([ids.length, end.reason], [3, 'cancelled']);
  release();
  assert.equal((await other).ids.length, 9);
  assert.deepEqual(runner.steps.map((step) => step.length).slice(3), [2, 1, 1, 1, 1, 1]);
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('a request that waits, or whose signal fired before, is cancelled without running', async () => {
  const { runner, engine } = open({}, { maxRunning: 1 });
  const first = collect(engine.submit([1], { maxTokens: 5 }));
  const abort = new AbortController();
  const waiting = collect(engine.submit([2], { maxTokens: 5 }, { signal: abort.signal }));
  await steps(runner, 2);
  abort.abort();
  assert.equal((await waiting).end.reason, 'cancelled');
  assert.equal((await collect(engine.submit([3], {}, { signal: AbortSignal.abort() }))).end.reason, 'cancelled');
  await first;
  await collect(engine.submit([4], { maxTokens: 1 }));
  assert.equal(runner.steps.length, 5 + 1); // those of the first request and of the last
  await engine.close();
});

test('a signal that serves many requests collects no listeners', async () => {
  const { engine } = open();
  const [{ signal }, { signal: hurry }] = [new AbortController(), new AbortController()];
  for (const id of [1, 2, 3]) await collect(engine.submit([id], { maxTokens: 2 }, { signal, hurry }));
  await assert.rejects(collect(engine.submit([], {}, { signal, hurry })));
  for (const each of [signal, hurry]) assert.equal(getEventListeners(each, 'abort').length, 0);
  await engine.close();
});

test('a reader who leaves cancels the request', async () => {
  const { runner, engine } = open();
  for await (const event of engine.submit([1, 2, 3], { stopIds: [] })) {
    assert.equal(event.type, 'token');
    break;
  }
  await steps(runner, 1);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(runner.steps.length < 10, `${runner.steps.length} steps`);
  assert.deepEqual([engine.load.running, engine.load.waiting], [0, 0]);
  await engine.close();
});

test('a reader who never reads holds up nobody and loses nothing', async () => {
  const { engine } = open();
  const slow = engine.submit([1, 2], { maxTokens: 30, temperature: 0 });
  await collect(engine.submit([3, 4], { maxTokens: 30 }));
  assert.deepEqual((await collect(slow)).ids, alone([1, 2], { maxTokens: 30, temperature: 0 }));
  await engine.close();
});

test('a step that fails fails the sequences in it, and later requests run', async () => {
  let failing = true;
  const { runner, engine } = open(
    {
      beforeStep: (entries) => {
        if (failing && entries.some(({ ids }) => ids.includes(13))) throw new Error('a scale is NaN');
      },
    },
    { maxRunning: 2 },
  );
  const doomed = [collect(engine.submit([13], { maxTokens: 3 })), collect(engine.submit([7], { maxTokens: 3 }))];
  const waiting = collect(engine.submit([8], { maxTokens: 3, stopIds: [] }));
  for (const each of doomed) await assert.rejects(each, /a scale is NaN/);
  failing = false;
  assert.equal((await waiting).ids.length, 3);
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('logits that are not finite fail their own sequence only', async () => {
  const runner = new FakeRunner();
  const step = runner.step.bind(runner);
  runner.step = async (entries) => {
    const rows = await step(entries);
    entries.forEach(({ sequence }, i) => {
      if (sequence.length === 6) rows[i]!.fill(Number.NaN);
    });
    return rows;
  };
  const engine = new LocalEngine(runner);
  const bad = collect(engine.submit(promptOf(4), { maxTokens: 9, stopIds: [] }));
  const good = collect(engine.submit(promptOf(7), { maxTokens: 9, stopIds: [] }));
  await assert.rejects(bad, { code: 'model/not-finite' });
  assert.equal((await good).ids.length, 9);
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('a turn that goes on computes nothing but its new tokens', async () => {
  const { runner, engine } = open({ blockSize: 8 });
  const first = await collect(engine.submit(promptOf(21), { maxTokens: 7, temperature: 0 }));
  assert.equal(first.end.cachedTokens, 0);
  const next = [...promptOf(21), ...first.ids, 50, 51];
  const before = runner.steps.length;
  const second = await collect(engine.submit(next, { maxTokens: 3, temperature: 0 }));
  assert.equal(second.end.cachedTokens, 27); // 21 + 7 less the token that was never computed
  assert.deepEqual(runner.steps[before], [next.slice(27)]);
  assert.deepEqual(second.ids, alone(next, { maxTokens: 3, temperature: 0 }));
  await engine.close();
});

test('a prompt is kept apart from its answer, for a history that leaves thoughts out', async () => {
  const { engine } = open({ blockSize: 8 });
  await collect(engine.submit(promptOf(24), { maxTokens: 13, temperature: 0 }));
  const { end } = await collect(engine.submit([...promptOf(24), 50, 51, 52], { maxTokens: 1 }));
  assert.equal(end.cachedTokens, 24);
  await engine.close();
});

test('where two prompts part is kept too, so that a third begins there', async () => {
  const { engine } = open({ blockSize: 8 });
  const cached = [];
  for (const own of [1, 2, 3]) {
    const prompt = [...promptOf(34), own, ...promptOf(9, own)];
    cached.push((await collect(engine.submit(prompt, { maxTokens: 2 }))).end.cachedTokens);
  }
  assert.deepEqual(cached, [0, 0, 34]);
  await engine.close();
});

test('the same prompt again computes one token at least', async () => {
  const { runner, engine } = open({ blockSize: 8 });
  for (const cached of [0, 15]) {
    const { end } = await collect(engine.submit(promptOf(16), { maxTokens: 1 }));
    assert.equal(end.cachedTokens, cached); // its second block is whole, but logits come from computing
    if (cached === 0) await collect(engine.submit([...promptOf(9)], { maxTokens: 1 }));
  }
  assert.ok(runner.steps.flat().every((ids) => ids.length > 0));
  await engine.close();
});

test('kept prefixes go first when room is short, the least recently used before the others', async () => {
  const { runner, engine } = open({ blockSize: 8, capacity: 10, contextLength: 80 });
  await collect(engine.submit(promptOf(24, 1), { maxTokens: 1 })); // keeps 3 blocks
  await collect(engine.submit(promptOf(24, 2), { maxTokens: 1 })); // keeps 3 more
  assert.equal(runner.blocksInUse(), 6);
  await collect(engine.submit([...promptOf(24, 1), 5], { maxTokens: 1 })); // uses the first again
  const { end } = await collect(engine.submit(promptOf(40, 3), { maxTokens: 1 })); // needs 6: the second goes
  assert.equal(end.cachedTokens, 0);
  assert.equal((await collect(engine.submit([...promptOf(24, 1), 6], { maxTokens: 1 }))).end.cachedTokens, 24);
  await engine.close();
  assert.equal(runner.blocksInUse(), 0);
});

test('a prompt that needs the room of the begun block that it goes on from does without the copy', async () => {
  const { engine } = open({ blockSize: 4, capacity: 3, contextLength: 12 });
  await collect(engine.submit(promptOf(9), { maxTokens: 1 }));
  assert.equal(engine.load.kept, 3);
  const { ids, end } = await collect(engine.submit([...promptOf(9), 52], { maxTokens: 2, temperature: 0 }));
  assert.deepEqual(ids, alone([...promptOf(9), 52], { maxTokens: 2, temperature: 0 }));
  assert.equal(end.cachedTokens, 8);
  await engine.close();
});

test('a request that has to wait for room pushes nothing out meanwhile', async () => {
  const { runner, engine } = open({ blockSize: 4, capacity: 10, contextLength: 40 });
  await collect(engine.submit(promptOf(11, 1), { maxTokens: 1 })); // keeps 3 blocks
  const running = collect(engine.submit(promptOf(19, 2), { maxTokens: 6, stopIds: [] })); // comes to need 6
  await steps(runner, 3);
  const abort = new AbortController();
  const waiting = collect(engine.submit(promptOf(30, 3), {}, { signal: abort.signal }));
  await running;
  assert.ok(engine.load.kept >= 3 + 5, `${engine.load.kept} kept`);
  abort.abort();
  await waiting;
  assert.equal((await collect(engine.submit([...promptOf(11, 1), 5], { maxTokens: 1 }))).end.cachedTokens, 11);
  await engine.close();
});

test('what a cancelled request computed is kept, and what a failed one did is not', async () => {
  const { runner, engine } = open({ blockSize: 4 });
  const tokens: number[] = [];
  const abort = new AbortController();
  for await (const event of engine.submit(promptOf(10), { stopIds: [] }, { signal: abort.signal })) {
    if (event.type === 'token' && tokens.push(event.id) === 9) abort.abort();
  }
  const again = await collect(engine.submit([...promptOf(10), ...tokens.slice(0, 8), 52], { maxTokens: 1 }));
  assert.equal(again.end.cachedTokens, 18);
  const step = runner.step.bind(runner);
  runner.step = async (entries) => (await step(entries)).map((row) => row.fill(Number.NaN));
  await assert.rejects(collect(engine.submit(promptOf(10, 5))), { code: 'model/not-finite' });
  runner.step = step;
  assert.equal((await collect(engine.submit(promptOf(10, 5), { maxTokens: 1 }))).end.cachedTokens, 0);
  await engine.close();
});

test('a sequence that was put aside computes again only what others took from it', async () => {
  const { runner, engine } = open({ blockSize: 4, capacity: 12, contextLength: 48 });
  const params = { maxTokens: 20, temperature: 0, stopIds: [] };
  const prompts = [promptOf(17, 1), promptOf(18, 2)];
  const outcomes = await Promise.all(prompts.map((prompt) => collect(engine.submit(prompt, params))));
  for (const [i, { ids }] of outcomes.entries()) assert.deepEqual(ids, alone(prompts[i]!, params));
  const computed = runner.steps.flat().reduce((sum, ids) => sum + ids.length, 0);
  const needed = 17 + 18 + 2 * 19;
  assert.ok(computed > needed && computed < needed + 30, `${computed} computed, ${needed} needed`);
  await engine.close();
});

test('no more prefixes are kept than asked for', async () => {
  const { engine } = open({ blockSize: 4 }, { maxKept: 3 });
  for (const start of [1, 2, 3, 4, 5]) await collect(engine.submit(promptOf(9, start), { maxTokens: 1 }));
  assert.equal(engine.load.kept, 3);
  await engine.close();
});

test('a sequence that is put aside for want of room resumes with the same tokens', async () => {
  const { runner, engine } = open({ blockSize: 4, capacity: 12, contextLength: 48 });
  const prompts = [promptOf(9, 1), promptOf(10, 2), promptOf(11, 3)];
  const params = { maxTokens: 30, temperature: 1, seed: 8, stopIds: [] };
  const outcomes = await Promise.all(prompts.map((prompt) => collect(engine.submit(prompt, params))));
  for (const [i, { ids }] of outcomes.entries()) assert.deepEqual(ids, alone(prompts[i]!, params));
  const computed = runner.steps.flat().reduce((sum, ids) => sum + ids.length, 0);
  assert.ok(computed > 9 + 10 + 11 + 3 * 29, 'something had to be computed again');
  await engine.close();
});

test('a request starts only when there is room for its prompt beside those that are being read', async () => {
  const { runner, engine } = open(
    { blockSize: 4, capacity: 12, contextLength: 48 },
    { prefill: { alone: 5, besideDecode: 5 } },
  );
  const prompts = [promptOf(30, 1), promptOf(29, 2)]; // eight blocks each
  await Promise.all(prompts.map((prompt) => collect(engine.submit(prompt, { maxTokens: 2, stopIds: [] }))));
  const computed = runner.steps.flat().reduce((sum, ids) => sum + ids.length, 0);
  assert.equal(computed, 30 + 29 + 2); // nothing twice
  await engine.close();
});

test('a sequence that was put aside goes on before requests that came later', async () => {
  const { engine } = open({ blockSize: 4, capacity: 12, contextLength: 48 }, { maxRunning: 2 });
  const order: number[] = [];
  const prompts = [promptOf(9, 1), promptOf(10, 2), [5]]; // the last would fit when the second is put aside
  await Promise.all(
    prompts.map(async (prompt, i) => {
      await collect(engine.submit(prompt, { maxTokens: i === 2 ? 1 : 30, stopIds: [] }));
      order.push(i);
    }),
  );
  assert.deepEqual(order, [0, 2, 1]); // it waited until the second was back, and is done sooner
  await engine.close();
});

test('a sequence that is alone and still finds no room ends instead of waiting for ever', async () => {
  const { runner, engine } = open({ blockSize: 4, capacity: 12, contextLength: 48 });
  const blocksInUse = runner.blocksInUse.bind(runner);
  runner.blocksInUse = () => blocksInUse() + 7; // somebody else's
  const { ids, end } = await collect(engine.submit(promptOf(9), { stopIds: [] }));
  assert.deepEqual([ids.length, end.reason], [5 * 4 - 9 + 1, 'length']);
  await engine.close();
});

test('nothing follows the end that a cancelled request has given, though its step still runs', async () => {
  let count = 0;
  const runner = new FakeRunner({ beforeStep: () => void (++count === 3 && scheduler.cancel(generation)) });
  const scheduler = new Scheduler(runner);
  const types: string[] = [];
  const sink = { emit: ({ type }: GenerateEvent) => void types.push(type), fail: assert.fail };
  const generation = scheduler.add({ prompt: [1], params: resolveParams({}, {}, 53), limit: 99, sink });
  await steps(runner, 3);
  await scheduler.close();
  assert.deepEqual(types, ['token', 'token', 'end']);
});

test('what a request found kept is what it found when it first started', () => {
  const ends: EndEvent[] = [];
  const sink = { emit: (event: GenerateEvent) => void (event.type === 'end' && ends.push(event)), fail: assert.fail };
  const generation = new Generation({ prompt: promptOf(30), params: resolveParams({}, {}, 53), limit: 9, sink });
  const sequence = (length: number) => ({ length, keep: () => assert.fail(), retreat: () => {}, release: () => {} });
  generation.start(sequence(8));
  generation.start(sequence(24)); // after it was put aside
  generation.end('cancelled');
  assert.equal(ends[0]!.cachedTokens, 8);
});

test('close cancels what runs and waits, and refuses what comes after', async () => {
  const { runner, engine } = open({}, { maxRunning: 1 });
  const running = collect(engine.submit([1], { stopIds: [] }));
  const waiting = collect(engine.submit([2], { stopIds: [] }));
  await steps(runner, 4);
  await engine.close();
  assert.deepEqual([(await running).end.reason, (await waiting).end.reason], ['cancelled', 'cancelled']);
  assert.equal(runner.blocksInUse(), 0);
  await assert.rejects(collect(engine.submit([3])), { code: 'engine/closed' });
});

test('the end reports the seed, drawn when none was given, and where the time went', async () => {
  const { engine } = open();
  assert.equal((await collect(engine.submit([1], { seed: 77, maxTokens: 1 }))).end.seed, 77);
  const { end, ids } = await collect(engine.submit([1], { maxTokens: 9 }));
  assert.deepEqual((await collect(engine.submit([1], { maxTokens: 9, seed: end.seed }))).ids, ids);
  for (const ms of Object.values(end.timing)) assert.ok(ms >= 0 && ms < 10_000);
  await engine.close();
});

test('a prompt that is alone is computed in steps that grow as fast as they are', async () => {
  const { runner, engine } = open({ contextLength: 4096 });
  const { ids } = await collect(engine.submit(promptOf(2000), { maxTokens: 1, seed: 1 }));
  assert.equal(ids.length, 1);
  assert.deepEqual(
    runner.steps.map((entries) => entries.map(({ length }) => length)),
    [[512], [1024], [464]],
  );
});
