import { load } from '../../src/index.ts';
import { openEngineHere } from './engine.ts';
import { WARM_UP } from './rows.ts';
import { type Job, now, SAMPLING, type Subject } from './subject.ts';

const BLOCK = 64;
/** The library refuses vocabularies that end before Harmony's control tokens do. */
const LAST_CONTROL = 200_018;

type Stream = AsyncIterable<{ readonly type: string; readonly id?: number }>;

/** Ossia as a program uses it: the library, its engine on a thread of its own. */
export async function openOssia(job: Job): Promise<Subject> {
  const { model, dense, kvBits, threads, rows, contextLength, vocabSize, isa, madeUp } = job;
  const roundUp = (tokens: number) => Math.ceil(tokens / BLOCK + 1) * BLOCK;
  const room = rows.map(({ prompts, count }) => prompts.reduce((sum, length) => sum + roundUp(length + count), 0));
  room.push(roundUp(WARM_UP + 1));
  const limits = {
    context: Math.min(Math.max(...room), contextLength),
    cacheTokens: Math.max(...room),
    maxRunning: Math.max(...rows.map(({ prompts }) => prompts.length)),
    maxKept: 0,
    speculate: 'off', // `bench -- speculation` measures that
  } as const;
  const params = (count: number) => ({ ...SAMPLING, maxTokens: count, stopIds: [] });
  if (isa !== undefined || madeUp || vocabSize <= LAST_CONTROL) {
    const { engine, ...rest } = await openEngineHere(job, limits);
    return { ...rest, generate: (prompts, count) => collect(prompts, (ids) => engine.submit(ids, params(count))) };
  }
  const loaded = await load(model, { dense, kvBits, threads, ...limits });
  return {
    description: loaded.info.backendDescription,
    kvBytesPerToken: loaded.info.kvBytesPerToken,
    generate: (prompts, count) => collect(prompts, (ids) => loaded.generate(ids, params(count))),
    close: () => loaded.close(),
  };
}

/** Starts all streams at once, and notes when each token came. */
async function collect(prompts: readonly (readonly number[])[], start: (ids: readonly number[]) => Stream) {
  const submitted = now();
  const streams = prompts.map(async (prompt) => {
    const arrivals: number[] = [];
    const tokens: number[] = [];
    for await (const event of start(prompt)) {
      if (event.type !== 'token') continue;
      arrivals.push(now());
      tokens.push(event.id!);
    }
    return { arrivals, tokens };
  });
  const results = await Promise.all(streams);
  return {
    submitted,
    arrivals: results.map(({ arrivals }) => arrivals),
    tokens: results.map(({ tokens }) => tokens),
  };
}
