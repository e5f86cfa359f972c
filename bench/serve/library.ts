import type { LoadedModel } from '../../src/index.ts';
import type { Arrivals, Question } from './stream.ts';

/** The same question to the library in this process: no HTTP, no JSON. */
export async function askLibrary(
  model: LoadedModel,
  { prompt, tokens, seed }: Question,
  client: string,
): Promise<Arrivals> {
  const sent = performance.now();
  const pieces: number[] = [];
  let usage = { promptTokens: 0, cachedTokens: 0, outputTokens: 0 };
  for await (const event of model.chat(prompt, { maxTokens: tokens, ignoreEnd: true, seed, client })) {
    if (event.type === 'reasoning' || event.type === 'text') pieces.push(performance.now());
    if (event.type === 'usage') usage = event;
  }
  const { promptTokens, cachedTokens, outputTokens } = usage;
  return { sent, pieces, ended: performance.now(), promptTokens, cachedTokens, outputTokens };
}
