/**
 * `ossia serve` under load, over real HTTP, on the loopback interface of this machine:
 *
 *     npm run bench -- serve [--model PATH] [--streams 1,4,16,64] [--tokens 64] [--rounds 3] [--long 8000] [--json FILE]
 *
 * Streams side by side, each asking anew when it has its answer; what a long prompt does to a stream that runs; what HTTP and
 * JSON cost beside the same load on the library; and a long prompt that is kept beside one that is not. `--only` picks from
 * load, gap, overhead, cache; `--threads`, `--context` and `--max-running` are those of `ossia serve`.
 */
import { writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { parseArgs } from 'node:util';
import { load } from '../src/index.ts';
import { askLibrary } from './serve/library.ts';
import { gaps, type LoadResult, percentiles, runStreams } from './serve/load.ts';
import { wordsOf } from './serve/prompts.ts';
import { ServerProcess } from './serve/server-process.ts';
import { type Arrivals, askServer, type Question } from './serve/stream.ts';
import { formatLoads, formatRows } from './serve/table.ts';
import { summarise } from './speed/statistics.ts';
import { circumstances } from './support/machine.ts';

const { values: flags } = parseArgs({
  options: {
    model: { type: 'string', default: 'ossia-nano' },
    streams: { type: 'string', default: '1,4,16,64' },
    tokens: { type: 'string', default: '64' },
    words: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '3' },
    long: { type: 'string', default: '8000' },
    only: { type: 'string', default: 'load,gap,overhead,cache' },
    threads: { type: 'string' },
    context: { type: 'string' },
    'max-running': { type: 'string' },
    json: { type: 'string' },
  },
});

/** At how many streams the cost of HTTP is measured. */
const OVERHEAD_STREAMS = 16;
/** Enough for a message's header and a first piece of text. */
const FEW_TOKENS = 8;

const tokens = positive('tokens', flags.tokens);
const words = positive('words', flags.words);
const rounds = positive('rounds', flags.rounds);
const long = positive('long', flags.long);
const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
let seed = 1;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new RangeError(`Expected --${name} to be 1 or more, got ${text}`);
  return value;
}

function questions(count: number): Question[] {
  return Array.from({ length: count }, () => ({ prompt: wordsOf(seed, words), tokens, seed: seed++ }));
}

/** A prompt that nobody has asked yet, of so many tokens, about. */
function longQuestion(wordsPerToken: number, count: number): Question {
  return { prompt: wordsOf(seed, Math.round(long * wordsPerToken)), tokens: count, seed: seed++ };
}

const ask = (url: string) => (question: Question) => askServer(url, agent, question);

async function measureLoads(url: string): Promise<LoadResult[]> {
  const results: LoadResult[] = [];
  for (const streams of flags.streams.split(',').map((text) => positive('streams', text))) {
    results.push(await runStreams(streams, questions(streams * rounds), ask(url)));
  }
  return results;
}

/** How long a running stream waits for its next token, alone, and while a long prompt is computed beside it. */
async function measureGap(url: string, wordsPerToken: number) {
  const [before, during]: number[][] = [[], []];
  let promptTokens = 0;
  for (let round = 0; round < rounds; round++) {
    const running = askServer(url, agent, {
      prompt: wordsOf(seed, words),
      tokens: 4 * tokens + long / 4,
      seed: seed++,
    });
    running.catch(() => {}); // it is reported where it is awaited
    await new Promise((resolve) => setTimeout(resolve, 200));
    const other = await askServer(url, agent, longQuestion(wordsPerToken, FEW_TOKENS));
    const { pieces } = await running;
    promptTokens = other.promptTokens;
    const steps = gaps(pieces).map((gap, i) => ({ gap, at: pieces[i + 1]! }));
    before!.push(...steps.filter(({ at }) => at < other.sent).map(({ gap }) => gap));
    during!.push(...steps.filter(({ at }) => at >= other.sent && at <= other.pieces[0]!).map(({ gap }) => gap));
  }
  return { promptTokens, alone: atMost(before!), beside: atMost(during!) };
}

function atMost(values: readonly number[]) {
  return { ...percentiles(values), max: Math.max(...values), tokens: values.length };
}

/** The same load over HTTP and in this process, in turns; and the processor time that both take, which other programs disturb less. */
async function measureOverhead(server: ServerProcess) {
  const model = await load(flags.model, loadOptions());
  const overHttp: Side = { rates: [], processorMs: [] };
  const inLibrary: Side = { rates: [], processorMs: [] };
  const inProcess = (question: Question) => askLibrary(model, question, 'bench');
  const ownTime = () => (process.cpuUsage().user + process.cpuUsage().system) / 1000;
  try {
    await runStreams(OVERHEAD_STREAMS, questions(OVERHEAD_STREAMS), inProcess);
    for (let round = 0; round < rounds; round++) {
      await measureSide(inLibrary, inProcess, ownTime);
      await measureSide(overHttp, ask(server.url), () => server.processorMs());
    }
  } finally {
    await model.close();
  }
  return { streams: OVERHEAD_STREAMS, overHttp: sideOf(overHttp), inLibrary: sideOf(inLibrary) };
}

interface Side {
  readonly rates: number[];
  readonly processorMs: number[];
}

async function measureSide(
  { rates, processorMs }: Side,
  askOne: (question: Question) => Promise<Arrivals>,
  time: () => number | undefined,
): Promise<void> {
  const before = time();
  const result = await runStreams(OVERHEAD_STREAMS, questions(OVERHEAD_STREAMS * 2), askOne);
  rates.push(result.tokensPerSecond);
  const after = time();
  if (before !== undefined && after !== undefined) processorMs.push((after - before) / result.outputTokens);
}

function sideOf({ rates, processorMs }: Side) {
  return {
    tokensPerSecond: summarise(rates),
    ...(processorMs.length === 0 ? {} : { processorMsPerToken: summarise(processorMs) }),
  };
}

function loadOptions() {
  const { threads, context, 'max-running': maxRunning } = flags;
  return {
    ...(threads === undefined ? {} : { threads: positive('threads', threads) }),
    ...(context === undefined ? {} : { context: positive('context', context) }),
    ...(maxRunning === undefined ? {} : { maxRunning: positive('max-running', maxRunning) }),
  };
}

/** The first token after a long prompt, the first time and the second. */
async function measureCache(url: string, wordsPerToken: number) {
  const rows: { promptTokens: number; cachedTokens: number; cold: number; warm: number }[] = [];
  for (let round = 0; round < rounds; round++) {
    const question = longQuestion(wordsPerToken, FEW_TOKENS);
    const [first, second] = [await askServer(url, agent, question), await askServer(url, agent, question)];
    const wait = ({ sent, pieces }: typeof first) => pieces[0]! - sent;
    rows.push({ ...second, cold: wait(first), warm: wait(second) });
  }
  const median = (read: (row: (typeof rows)[number]) => number) => summarise(rows.map(read)).median;
  return {
    promptTokens: median((row) => row.promptTokens),
    cachedTokens: median((row) => row.cachedTokens),
    coldMs: median((row) => row.cold),
    warmMs: median((row) => row.warm),
  };
}

const wanted = new Set(flags.only.split(','));
const passed = ['threads', 'context', 'max-running'] as const; // to `ossia serve`, as they are to the library
const given = passed.flatMap((name) => (flags[name] === undefined ? [] : [`--${name}`, flags[name]]));
const server = await ServerProcess.start({ model: flags.model, flags: given });
try {
  console.log(`server   ${server.command}\n`);
  // Warms up, and tells how many words make a token.
  const sample = await askServer(server.url, agent, { prompt: wordsOf(0, 1000), tokens: FEW_TOKENS, seed: 0 });
  const wordsPerToken = 1000 / sample.promptTokens;
  await runStreams(4, questions(8), ask(server.url));

  const result = {
    ...(wanted.has('load') ? { loads: await measureLoads(server.url) } : {}),
    ...(wanted.has('gap') ? { gap: await measureGap(server.url, wordsPerToken) } : {}),
    ...(wanted.has('overhead') ? { overhead: await measureOverhead(server) } : {}),
    ...(wanted.has('cache') ? { cache: await measureCache(server.url, wordsPerToken) } : {}),
    memory: server.memory(),
  };
  if (result.loads) console.log(`${formatLoads(result.loads)}\n`);
  console.log(formatRows(result));
  if (flags.json !== undefined) {
    const all = { ...circumstances(['serve', ...process.argv.slice(2)]), server: server.command, ...result };
    writeFileSync(flags.json, `${JSON.stringify(all, null, 1)}\n`);
  }
} finally {
  agent.destroy();
  await server.stop();
}
