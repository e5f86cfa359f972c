import { load } from '../../src/index.ts';
import { type Job, now, SAMPLING, type Subject } from './subject.ts';

const BLOCK = 64;

/** Ossia as a program uses it: the library, its engine on a thread of its own. */
export async function openOssia({ model, dense, kvBits, threads, rows }: Job): Promise<Subject> {
  const roundUp = (tokens: number) => Math.ceil(tokens / BLOCK + 1) * BLOCK;
  const room = rows.map(({ prompts, count }) => prompts.reduce((sum, length) => sum + roundUp(length + count), 0));
  const loaded = await load(model, {
    dense,
    kvBits,
    threads,
    context: Math.max(...room),
    maxRunning: Math.max(...rows.map(({ prompts }) => prompts.length)),
    maxKept: 0,
    speculate: 'off', // `bench -- speculation` measures that
  });
  return {
    description: loaded.info.backendDescription,
    kvBytesPerToken: loaded.info.kvBytesPerToken,
    async generate(prompts, count) {
      const submitted = now();
      const streams = prompts.map(async (prompt) => {
        const arrivals: number[] = [];
        const tokens: number[] = [];
        for await (const event of loaded.generate(prompt, { ...SAMPLING, maxTokens: count, stopIds: [] })) {
          if (event.type !== 'token') continue;
          arrivals.push(now());
          tokens.push(event.id);
        }
        return { arrivals, tokens };
      });
      const results = await Promise.all(streams);
      return {
        submitted,
        arrivals: results.map(({ arrivals }) => arrivals),
        tokens: results.map(({ tokens }) => tokens),
      };
    },
    close: () => loaded.close(),
  };
}
