import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Background } from './background.ts';

/** Runs until it is let go, or cancelled. */
function gate() {
  let open = () => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  const states: string[] = [];
  const job = async (_: unknown, signal: AbortSignal) => {
    states.push(signal.aborted ? 'cancelled while waiting' : 'runs');
    if (!signal.aborted) {
      await Promise.race([passed, new Promise((resolve) => signal.addEventListener('abort', resolve))]);
    }
    states.push('over');
  };
  return { open, job, states };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

test('so many run at a time, the others in the order in which they came', async () => {
  const background = new Background({ maxRunning: 2 });
  const jobs = [gate(), gate(), gate(), gate()];
  for (const [i, { job }] of jobs.entries()) background.start(`${i}`, 1, job);
  await soon();
  assert.deepEqual(
    jobs.map(({ states }) => states),
    [['runs'], ['runs'], [], []],
  );
  jobs[1]!.open();
  await soon();
  assert.deepEqual(
    jobs.map(({ states }) => states),
    [['runs'], ['runs', 'over'], ['runs'], []],
  );
  await background.close();
  assert.equal(background.log('0'), undefined);
});

test('who is cancelled while waiting makes no room for another', async () => {
  const background = new Background({ maxRunning: 1 });
  const jobs = [gate(), gate(), gate()];
  for (const [i, { job }] of jobs.entries()) background.start(`${i}`, 1, job);
  await soon();
  assert.equal(await background.cancel('1'), true);
  assert.ok(!jobs[1]!.states.includes('runs'));
  assert.deepEqual(jobs[2]!.states, []);
  assert.equal(await background.cancel('1'), false);
  await background.close();
});

test('there is room for so many, and for so much', async () => {
  const background = new Background({ maxResponses: 2, maxCharacters: 100 });
  const refused = { code: 'engine/queue-full' };
  background.checkRoom(1000); // the first is always let in
  background.start('0', 60, gate().job);
  background.checkRoom(40);
  assert.throws(() => background.checkRoom(41), refused);
  background.start('1', 10, gate().job);
  assert.throws(() => background.checkRoom(1), refused);
  await background.cancel('0');
  background.checkRoom(90);
  await background.close();
});
