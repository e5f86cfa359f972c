import type { Arrivals, Question } from './stream.ts';

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** What came of streams that ran side by side. Times in ms. */
export interface LoadResult {
  readonly streams: number;
  readonly requests: number;
  readonly outputTokens: number;
  readonly promptTokens: number;
  /** Of all streams together, from the first request to the last token. */
  readonly tokensPerSecond: number;
  /** From the request to the first piece. */
  readonly firstToken: Percentiles;
  /** Between pieces of one stream. */
  readonly betweenTokens: Percentiles;
  readonly endToEnd: Percentiles;
}

/** So many streams side by side; each asks again as soon as it has its answer, until all questions are asked. */
export async function runStreams(
  streams: number,
  questions: readonly Question[],
  ask: (question: Question, stream: number) => Promise<Arrivals>,
): Promise<LoadResult> {
  const answers: Arrivals[] = [];
  const next = questions.values();
  const stream = async (index: number) => {
    for (const question of next) answers.push(await ask(question, index));
  };
  await Promise.all(Array.from({ length: streams }, (_, index) => stream(index)));
  return summariseLoad(streams, answers);
}

export function summariseLoad(streams: number, answers: readonly Arrivals[]): LoadResult {
  const sum = (count: (answer: Arrivals) => number) => answers.reduce((total, answer) => total + count(answer), 0);
  const began = Math.min(...answers.map(({ sent }) => sent));
  const ended = Math.max(...answers.map(({ pieces }) => pieces.at(-1)!));
  const outputTokens = sum((answer) => answer.outputTokens);
  return {
    streams,
    requests: answers.length,
    outputTokens,
    promptTokens: sum((answer) => answer.promptTokens),
    tokensPerSecond: (outputTokens / (ended - began)) * 1000,
    firstToken: percentiles(answers.map(({ sent, pieces }) => pieces[0]! - sent)),
    betweenTokens: percentiles(answers.flatMap(({ pieces }) => gaps(pieces))),
    endToEnd: percentiles(answers.map((answer) => answer.ended - answer.sent)),
  };
}

/** Milliseconds from each time to the next. */
export function gaps(times: readonly number[]): number[] {
  return times.slice(1).map((time, i) => time - times[i]!);
}

/** By the nearest rank: the smallest value that so many are not above. */
export function percentiles(values: readonly number[]): Percentiles {
  if (values.length === 0) throw new RangeError('Expected at least one value');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
