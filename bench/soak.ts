/**
 * A server among clients of all kinds, for a while, on the loopback interface of this machine:
 *
 *     npm run bench -- soak [--minutes 30] [--seed 1] [--clients 12] [--burst 100] [--json FILE]
 *
 * Mixed traffic in all formats, with clients that leave, read slowly, cancel, send what is too large or hostile, or all come at
 * once. Exits with 1 when a request is not answered and not refused, when something still runs or waits in the end, or when
 * memory has grown.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from './fuzz/random.ts';
import { ServerProcess } from './serve/server-process.ts';
import { exchange } from './soak/exchange.ts';
import { formats } from './soak/formats.ts';
import { readMetrics, type Sample, trendOf } from './soak/monitor.ts';
import { type Stage, scenarios } from './soak/scenarios.ts';
import { Tally } from './soak/tally.ts';
import { circumstances } from './support/machine.ts';

const { values: flags } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    clients: { type: 'string', default: '12' },
    burst: { type: 'string', default: '100' },
    json: { type: 'string' },
  },
});

/** The KV cache is full soon, so that its growth is no part of what is seen. */
const CONTEXT = 8192;
/** Room for young garbage, in MiB: what V8 takes by itself grows for minutes under load, and looks like a leak. */
const SMALL_NURSERY = '--max-semi-space-size=2';
const MAX_BODY_BYTES = 1 << 20;
const SAMPLE_MS = 2000;
const SETTLE_MS = 60_000;

const minutes = positive('minutes', flags.minutes);
const seed = positive('seed', flags.seed);

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`Expected --${name} to be above 0, got ${text}`);
  return value;
}

/** Plays one scenario after another until the time is over. */
async function act(stage: Stage, random: Random, tally: Tally, until: number): Promise<void> {
  const names = Object.entries(scenarios).flatMap(([name, { weight }]) => Array.from({ length: weight }, () => name));
  while (Date.now() < until && server.ended === undefined) {
    const name = random.pick(names);
    for (const verdict of await scenarios[name]!.play(stage, random)) tally.add(name, verdict);
    await new Promise((resolve) => setTimeout(resolve, random.below(100)));
  }
}

async function metrics(): Promise<ReadonlyMap<string, number>> {
  const { text } = await exchange(server.url, agent, { path: '/metrics' });
  return readMetrics(text);
}

async function sample(began: number): Promise<Sample> {
  const values = await metrics();
  const { own = 0, resident = 0 } = server.memory() ?? {};
  return {
    seconds: (Date.now() - began) / 1000,
    own: own || (values.get('process_resident_memory_bytes') ?? 0),
    resident,
    running: values.get('vllm:num_requests_running') ?? Number.NaN,
    waiting: values.get('vllm:num_requests_waiting') ?? Number.NaN,
  };
}

async function watch(until: number, samples: Sample[]): Promise<void> {
  const began = Date.now();
  while (Date.now() < until && server.ended === undefined) {
    samples.push(await sample(began));
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
  }
}

/** What still runs or waits when everybody has gone; nothing, when all is well. */
async function leftovers(): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const values = await metrics();
    const gauges = ['vllm:num_requests_running', 'vllm:num_requests_waiting', 'ossia:turns_running'];
    const busy = gauges.filter((name) => values.get(name) !== 0).map((name) => `${name} is ${values.get(name)}`);
    const ps = await exchange(server.url, agent, { path: '/api/ps' });
    if (/"leases":[1-9]/.test(ps.text)) busy.push(`models are still lent: ${ps.text}`);
    if (busy.length === 0 || Date.now() > deadline) return busy;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Whether it still does what it is there for. */
async function lastWord(): Promise<string[]> {
  const problems: string[] = [];
  for (const format of formats) {
    const ask = format.ask({ prompt: 'What can you do?', tokens: 16, stream: true, random: new Random(1) });
    const { status, text, end } = await exchange(server.url, agent, ask);
    if (status !== 200 || end !== 'whole' || !format.isWhole(text, true)) {
      problems.push(`${format.name} does not answer in the end: ${status} ${end} ${text.slice(0, 200)}`);
    }
  }
  return problems;
}

const home = mkdtempSync(join(tmpdir(), 'ossia-soak-'));
process.on('exit', () => rmSync(home, { recursive: true, force: true }));
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
const abuse = new Agent({ keepAlive: false, maxSockets: Number.POSITIVE_INFINITY });
const server = await ServerProcess.start({
  model: 'ossia-nano',
  flags: ['--context', String(CONTEXT), '--max-body', String(MAX_BODY_BYTES), '--data', home],
  env: { NODE_OPTIONS: SMALL_NURSERY },
});
console.log(`server   ${server.command}\n`);
const tally = new Tally();
const samples: Sample[] = [];
const problems: string[] = [];
try {
  const until = Date.now() + minutes * 60_000;
  const stage = { url: server.url, agent, abuse, maxBodyBytes: MAX_BODY_BYTES, burst: positive('burst', flags.burst) };
  const actors = Array.from({ length: positive('clients', flags.clients) }, (_, i) =>
    act(stage, new Random(seed, i), tally, until),
  );
  await Promise.all([...actors, watch(until, samples)]);
  if (server.ended === undefined) problems.push(...(await leftovers()), ...(await lastWord()));
  else problems.push(server.ended);
} finally {
  agent.destroy();
  const code = await server.stop();
  if (code !== 0) problems.push(`the server ended with ${code} when it was asked to stop`);
}

const trend = trendOf(samples);
if (trend && !trend.flat) problems.push('memory has grown');
if (tally.failures.length > 0) problems.push(`${tally.failures.length} requests were not answered as they should be`);
const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
console.log(tally.lines().join('\n'));
console.log(
  `\n${tally.requests} requests in ${minutes} minutes; at most ${Math.max(...samples.map(({ running }) => running))} ran at a time, ${Math.max(...samples.map(({ waiting }) => waiting))} waited`,
);
if (trend) {
  const { first, last, allowed } = trend;
  console.log(
    `memory that is not mapped files: ${mib(first)} in the first third, ${mib(last)} in the last (${mib(first + allowed)} is allowed)`,
  );
} else console.log('memory: too few samples to tell');
for (const problem of problems) console.log(`FAILED ${problem}`);
if (problems.length === 0) console.log('all is well');
if (flags.json !== undefined) {
  const all = { ...circumstances(['soak', ...process.argv.slice(2)]), tally, samples, trend, problems };
  writeFileSync(flags.json, `${JSON.stringify(all, null, 1)}\n`);
}
process.exitCode = problems.length === 0 ? 0 : 1;
