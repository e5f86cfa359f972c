import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Hold, ModelPool } from './pool.ts';
import { FakeClock, FakeMachine, type FakeModel, settle } from './testing.ts';

const MINUTE = 60_000;

function setUp(sizes: Readonly<Record<string, number>>, limits: { readonly bytes?: number; readonly models?: number }) {
  const clock = new FakeClock();
  const { bytes = 100, models = Number.POSITIVE_INFINITY } = limits;
  const machine = new FakeMachine(sizes, { bytes, models });
  const pool = new ModelPool<FakeModel>({ maxMemoryBytes: bytes, maxLoaded: models, patienceMs: MINUTE, clock });
  const acquire = (key: string, options: { keepAliveMs?: number; signal?: AbortSignal } = {}) =>
    pool.acquire(key, machine.loader(key), { defaultKeepAliveMs: 5 * MINUTE, ...options });
  /** Acquires, and lets the load end. */
  const get = async (key: string, options: { keepAliveMs?: number } = {}) => {
    const hold = acquire(key, options);
    await settle();
    machine.loading.find((load) => load.key === key)?.done();
    return await hold;
  };
  const closeAll = async () => {
    await settle();
    for (const close of [...machine.closes]) close.done();
    await settle();
  };
  return { clock, machine, pool, acquire, get, closeAll };
}

test('one load however many ask at once, and none for those that come later', async () => {
  const { machine, acquire, clock } = setUp({}, {});
  const asked = [acquire('a'), acquire('a'), acquire('a')];
  await settle();
  assert.equal(machine.loading.length, 1);
  clock.advance(250);
  machine.loading[0]!.done();
  const holds = await Promise.all(asked);
  assert.deepEqual(
    holds.map(({ loadMs }) => loadMs),
    [250, 250, 250],
  );
  assert.equal((await acquire('a')).loadMs, 0);
  assert.equal(machine.loads, 1);
});

test('a load that fails rejects all who wait, and is tried anew', async () => {
  const { machine, acquire, get, pool } = setUp({}, {});
  const asked = [acquire('a'), acquire('a')];
  await settle();
  machine.loading[0]!.fail(new Error('no such file'));
  for (const one of asked) await assert.rejects(one, /no such file/);
  assert.equal(pool.memoryBytes, 0);
  assert.equal((await get('a')).model.key, 'a');
  assert.equal(machine.loads, 2);
});

test('who leaves does not stop the load for others; a load without anybody ends with its keep-alive', async () => {
  const { machine, acquire, pool, clock, closeAll } = setUp({}, {});
  const leaver = new AbortController();
  const left = acquire('a', { signal: leaver.signal });
  const stays = acquire('a');
  const alone = acquire('b', { signal: leaver.signal });
  await settle();
  leaver.abort(new Error('gone'));
  await assert.rejects(left, /gone/);
  await assert.rejects(alone, /gone/);
  for (const load of [...machine.loading]) load.done();
  assert.equal((await stays).model.key, 'a');
  assert.deepEqual(pool.loaded.map(({ key, users }) => [key, users]).sort(), [
    ['a', 1],
    ['b', 0],
  ]);
  clock.advance(5 * MINUTE);
  await closeAll();
  assert.deepEqual(machine.alive, ['a']);
  await assert.rejects(acquire('a', { signal: leaver.signal }), /gone/);
});

test('keep-alive counts from the last release, and the last wish holds', async () => {
  const { machine, get, clock, closeAll, pool } = setUp({}, {});
  const first = await get('a');
  clock.advance(60 * MINUTE);
  assert.deepEqual(machine.alive, ['a'], 'it is in use');
  first.release();
  clock.advance(5 * MINUTE - 1);
  const second = await get('a', { keepAliveMs: 2 * MINUTE });
  clock.advance(MINUTE);
  second.release();
  second.release();
  assert.equal(pool.loaded[0]!.expires?.getTime(), clock.now() + 2 * MINUTE);
  clock.advance(2 * MINUTE - 1);
  assert.equal(machine.closes.length, 0);
  clock.advance(1);
  assert.equal(machine.closes.length, 1);
  await closeAll();
  const third = await get('a', { keepAliveMs: Number.POSITIVE_INFINITY });
  third.release();
  clock.advance(1000 * 60 * MINUTE);
  assert.equal(machine.closes.length, 0);
  assert.equal(pool.loaded[0]!.expires, undefined);
  const fourth = await get('a', { keepAliveMs: 0 });
  assert.equal(machine.closes.length, 0);
  fourth.release();
  assert.equal(machine.closes.length, 1);
});

test('the model used the longest ago makes room; what is in use stays', async () => {
  const { machine, get, acquire, clock, closeAll } = setUp({ a: 40, b: 40, c: 40, d: 60 }, { bytes: 100 });
  const a = await get('a');
  clock.advance(1);
  (await get('b')).release();
  a.release();
  const b = await get('b');
  const c = acquire('c');
  await settle();
  assert.deepEqual(
    machine.closes.map(({ model }) => model.key),
    ['a'],
  );
  assert.equal(machine.loading.length, 0, 'it loads when the memory is free, not before');
  await closeAll();
  machine.loading[0]!.done();
  (await c).release();
  const d = acquire('d');
  await closeAll();
  assert.equal(machine.loading[0]?.key, 'd', 'c has gone, b is lent');
  machine.loading[0]!.done();
  (await d).release();
  b.release();
  assert.deepEqual(machine.complaints, []);
});

test('who needs memory that others use waits for it, in line, and not for ever', async () => {
  const { machine, get, acquire, clock, closeAll } = setUp({ a: 60, b: 60, c: 10 }, { bytes: 100 });
  const a = await get('a');
  const b = acquire('b');
  const refused = assert.rejects(b, { code: 'engine/queue-full', status: 503, message: /b now: .*taken; in use: a$/ });
  await settle();
  const c = acquire('c');
  await settle();
  assert.equal(machine.loading.length, 0, 'c would fit, but b was here before it');
  clock.advance(MINUTE);
  await refused;
  await settle();
  machine.loading[0]!.done();
  assert.equal((await c).model.key, 'c');
  const again = acquire('b');
  await settle();
  a.release();
  await closeAll();
  machine.loading[0]!.done();
  assert.equal((await again).model.key, 'b');
  assert.deepEqual(machine.alive, ['c', 'b']);
  assert.deepEqual(machine.complaints, []);
});

test('a model that nobody waited for in the end makes room as soon as it is loaded', async () => {
  const { machine, acquire, closeAll } = setUp({ a: 60, b: 60 }, { bytes: 100 });
  const leaver = new AbortController();
  const a = acquire('a', { signal: leaver.signal });
  await settle();
  const b = acquire('b');
  await settle();
  leaver.abort(new Error('gone'));
  await assert.rejects(a, /gone/);
  machine.loading[0]!.done();
  await closeAll();
  machine.loading[0]!.done();
  assert.equal((await b).model.key, 'b');
});

test('no more is unloaded than is needed', async () => {
  const { machine, get, acquire } = setUp({ a: 30, b: 30, c: 30, d: 30 }, { bytes: 100 });
  for (const key of ['a', 'b', 'c']) (await get(key)).release();
  void acquire('d');
  await settle();
  assert.deepEqual(
    machine.closes.map(({ model }) => model.key),
    ['a'],
  );
});

test('nobody is waited for: a load that has not begun is given up', async () => {
  const { machine, get, acquire, pool } = setUp({ a: 60, b: 60 }, { bytes: 100 });
  const a = await get('a');
  const leaver = new AbortController();
  const b = acquire('b', { signal: leaver.signal });
  await settle();
  leaver.abort(new Error('gone'));
  await assert.rejects(b, /gone/);
  await settle();
  a.release();
  await settle();
  assert.deepEqual([machine.loads, machine.closes.length, pool.loaded.length], [1, 0, 1]);
});

test('a model that can never fit is refused with the numbers', async () => {
  const { acquire, machine } = setUp({ huge: 2 ** 40 }, { bytes: 2 ** 34 });
  await assert.rejects(acquire('huge'), {
    code: 'server/model-too-large',
    status: 507,
    message: /needs 1024\.0 GiB of memory, and models may take 16\.0 GiB/,
  });
  assert.equal(machine.loads, 0);
});

test('a model that crashed is dropped, and the next request loads it afresh', async () => {
  const { machine, get, acquire, closeAll } = setUp({ a: 60, b: 60 }, { bytes: 100 });
  const a = await get('a');
  a.model.crash();
  const b = await get('b');
  b.release();
  const again = acquire('a');
  await closeAll();
  machine.loading.find(({ key }) => key === 'a')!.done();
  const fresh = await again;
  assert.notEqual(fresh.model, a.model);
  a.release();
  fresh.release();
  assert.equal(machine.loads, 3);
  assert.deepEqual(machine.complaints, []);
});

test('unload waits for the last lease; maxLoaded bounds how many there are', async () => {
  const { machine, get, acquire, pool, closeAll } = setUp({}, { models: 1 });
  assert.equal(await pool.unload('a'), false);
  const a = await get('a');
  assert.equal(await pool.unload('a'), true);
  assert.equal(machine.closes.length, 0);
  const b = acquire('b');
  await settle();
  assert.equal(machine.loading.length, 0);
  a.release();
  await settle();
  await closeAll();
  machine.loading[0]!.done();
  (await b).release();
  const unloaded = pool.unload('b');
  await closeAll();
  assert.equal(await unloaded, true);
  assert.deepEqual(machine.alive, []);
});

test('close waits for leases so long, then closes what there is and what still loads', async () => {
  const { machine, get, acquire, pool, clock, closeAll } = setUp({}, {});
  const a = await get('a');
  const quick = acquire('b');
  await settle();
  let closed = false;
  const closing = pool.close(1000).then(() => {
    closed = true;
  });
  await assert.rejects(acquire('c'), { code: 'server/draining' });
  machine.loading[0]!.done();
  (await quick).release();
  await settle();
  assert.equal(machine.closes.length, 0);
  machine.held.set(a.model, 0); // it is closed although it is lent: its time is over
  clock.advance(1000);
  await settle();
  await closeAll();
  await closing;
  assert.ok(closed);
  assert.deepEqual(machine.alive, []);
});

type Action =
  | { readonly type: 'acquire'; readonly key: string; readonly keepAliveMs: number | undefined }
  | { readonly type: 'leave' | 'release' | 'load' | 'fail' | 'close' | 'crash'; readonly which: number }
  | { readonly type: 'unload'; readonly key: string }
  | { readonly type: 'advance'; readonly ms: number };

const SIZES = { a: 30, b: 40, c: 50, d: 70, e: 200 };
const key = fc.constantFrom(...Object.keys(SIZES));
const which = fc.nat(20);
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('acquire' as const),
      key,
      keepAliveMs: fc.constantFrom(undefined, 0, MINUTE, Number.POSITIVE_INFINITY),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('release' as const), which }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('load' as const, 'close' as const), which }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constantFrom('leave' as const, 'fail' as const, 'crash' as const), which }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('unload' as const), key }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('advance' as const), ms: fc.constantFrom(1, MINUTE / 2, 6 * MINUTE) }),
  },
);

test('whatever happens: memory is bounded, what is lent stays, nothing is loaded twice, everybody is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60, size: 'max' }), async (actions) => {
      const limits = { bytes: 100, models: 3 };
      const { clock, machine, pool, acquire } = setUp(SIZES, limits);
      const holds: Hold<FakeModel>[] = [];
      const waiting = new Set<AbortController>();
      let unanswered = 0;

      const ask = (name: string, keepAliveMs: number | undefined) => {
        const control = new AbortController();
        waiting.add(control);
        unanswered++;
        acquire(name, { signal: control.signal, ...(keepAliveMs === undefined ? {} : { keepAliveMs }) })
          .then((hold) => {
            // It came a moment before it was known that its asker had left.
            if (control.signal.aborted) return hold.release();
            machine.held.set(hold.model, (machine.held.get(hold.model) ?? 0) + 1);
            holds.push(hold);
          })
          .catch(() => {})
          .finally(() => {
            waiting.delete(control);
            unanswered--;
          });
      };
      const release = (hold: Hold<FakeModel> | undefined) => {
        if (!hold) return;
        holds.splice(holds.indexOf(hold), 1);
        machine.held.set(hold.model, machine.held.get(hold.model)! - 1);
        hold.release();
      };
      const perform = (step: Action) => {
        switch (step.type) {
          case 'acquire':
            return ask(step.key, step.keepAliveMs);
          case 'leave':
            return pick([...waiting], step.which)?.abort(new Error('gone'));
          case 'release':
            return release(pick(holds, step.which));
          case 'load':
            return pick(machine.loading, step.which)?.done();
          case 'fail':
            return pick(machine.loading, step.which)?.fail(new Error('bad file'));
          case 'close':
            return pick(machine.closes, step.which)?.done();
          case 'crash':
            return pick(holds, step.which)?.model.crash();
          case 'unload':
            return void pool.unload(step.key);
          case 'advance':
            return clock.advance(step.ms);
        }
      };
      for (const step of actions) {
        perform(step);
        await settle();
        assert.deepEqual(machine.complaints, []);
        assert.ok(pool.memoryBytes <= limits.bytes, `${pool.memoryBytes} bytes are granted`);
      }
      const busy = () => unanswered + holds.length + machine.loading.length + machine.closes.length > 0;
      for (let rounds = 0; busy(); rounds++) {
        assert.ok(rounds < 200, `${unanswered} still wait, ${holds.length} hold`);
        for (const load of [...machine.loading]) load.done();
        for (const close of [...machine.closes]) close.done();
        for (const hold of [...holds]) release(hold);
        await settle();
      }
      assert.deepEqual(machine.complaints, []);
      assert.equal(pool.memoryBytes, machine.bytes);
      for (const { key: name } of pool.loaded) void pool.unload(name);
      await settle();
      for (const close of [...machine.closes]) close.done();
      await settle();
      assert.deepEqual([machine.alive, pool.memoryBytes, clock.timers], [[], 0, 0]);
    }),
    { numRuns: 500 },
  );
});

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}
