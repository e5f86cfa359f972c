import type { Agent } from 'node:http';
import type { Random } from '../fuzz/random.ts';
import { exchange, type Outcome } from './exchange.ts';
import { type Format, formats, promptOf } from './formats.ts';
import { hostileAsk, oversizedAsk, rawAttack, strayAsk } from './hostile.ts';

/** What actors act on. */
export interface Stage {
  readonly url: string;
  readonly agent: Agent;
  /** For requests after which a server may close the connection: one each. */
  readonly abuse: Agent;
  readonly maxBodyBytes: number;
  /** Requests of a burst: more than run and wait together. */
  readonly burst: number;
}

/** A short word for what became of a request; `FAILED …` for what must never be. */
export type Verdict = string;

type Scenario = (stage: Stage, random: Random) => Promise<readonly Verdict[]>;

/** By name, with how often each is played. */
export const scenarios: Readonly<Record<string, { readonly weight: number; readonly play: Scenario }>> = {
  ...Object.fromEntries(
    formats.map((format) => [format.name, { weight: 8, play: (s: Stage, r: Random) => turn(s, r, format) }]),
  ),
  disconnect: { weight: 10, play: disconnect },
  'slow reader': { weight: 3, play: slowReader },
  cancel: { weight: 4, play: cancel },
  conversation: { weight: 4, play: conversation },
  'hostile body': { weight: 10, play: hostile },
  'oversized body': { weight: 2, play: oversized },
  'stray request': { weight: 4, play: stray },
  'not HTTP': { weight: 3, play: notHttp },
  burst: { weight: 1, play: burst },
  probe: { weight: 4, play: probe },
};

/** Of a well-formed request: answered to the end, or refused for now. */
function verdictOf({ status, text, end, why }: Outcome, isWhole: (text: string) => boolean): Verdict {
  if (end === 'left') return 'left';
  if (end !== 'whole') return `FAILED ${end} after ${text.length} bytes of ${status} (${why ?? ''})`;
  if (status === 503 || status === 429) return `refused ${status}`;
  if (status === 400 && text.includes('the shortest turn takes')) return 'refused 400: too few tokens';
  if (status !== 200) return `FAILED with ${status}: ${text.slice(0, 300)}`;
  return isWhole(text) ? 'answered' : `FAILED: the reply is not all there: …${text.slice(-300)}`;
}

/** Of a request that is wrong: any refusal, or an answer; but a server that falls over is none. */
function refusalOf({ status, text, end, why }: Outcome): Verdict {
  if (end === 'left') return 'left';
  if (end !== 'whole') return `FAILED ${end} (${why ?? ''})`;
  const known = status === 501 || status === 503 || status === 507;
  return status >= 500 && !known ? `FAILED with ${status}: ${text.slice(0, 300)}` : `${status}`;
}

async function turn({ url, agent }: Stage, random: Random, format: Format): Promise<Verdict[]> {
  const stream = random.chance(2);
  const ask = format.ask({ prompt: promptOf(random), tokens: random.pick([1, 8, 24, 64]), stream, random });
  return [verdictOf(await exchange(url, agent, ask), (text) => format.isWhole(text, stream))];
}

async function disconnect({ url, agent }: Stage, random: Random): Promise<Verdict[]> {
  const ask = random
    .pick(formats)
    .ask({ prompt: promptOf(random), tokens: 2000, stream: random.chance(3) === false, random });
  const when = random.chance(2) ? { leaveAfterMs: random.below(1500) } : { leaveAfterBytes: 1 + random.below(20_000) };
  const { status, end, text, why } = await exchange(url, agent, { ...ask, ...when });
  if (end === 'left' || status === 503 || status === 429) return [end === 'left' ? 'left' : `refused ${status}`];
  return [
    end === 'whole' && status === 200
      ? 'answered before'
      : `FAILED ${end} ${status} ${why ?? ''} ${text.slice(0, 200)}`,
  ];
}

async function slowReader({ url, agent }: Stage, random: Random): Promise<Verdict[]> {
  const format = random.pick(formats);
  const ask = format.ask({ prompt: promptOf(random), tokens: 300, stream: true, random });
  const slow = { pauseMs: 20 + random.below(200), leaveAfterMs: 2000 + random.below(15_000) };
  return [verdictOf(await exchange(url, agent, { ...ask, ...slow }), (text) => format.isWhole(text, true))];
}

/** Background responses, asked for, looked at, cancelled, deleted. */
async function cancel({ url, agent }: Stage, random: Random): Promise<Verdict[]> {
  const body = { input: promptOf(random), background: true, store: true, max_output_tokens: 3000 };
  const begun = await exchange(url, agent, { path: '/v1/responses', body });
  const id = /"id":"(resp_[^"]+)"/.exec(begun.text)?.[1];
  if (id === undefined) return [verdictOf(begun, () => false)];
  await new Promise((resolve) => setTimeout(resolve, random.below(400)));
  const path = `/v1/responses/${id}`;
  const verdicts: Verdict[] = [];
  if (random.chance(2)) verdicts.push(verdictOf(await exchange(url, agent, { path }), (text) => text.includes(id)));
  const cancelled = await exchange(url, agent, { path: `${path}/cancel`, method: 'POST', body: {} });
  verdicts.push(
    cancelled.status === 400
      ? 'too late'
      : verdictOf(cancelled, (text) => /"status":"(?:cancelled|completed|incomplete|failed)"/.test(text)),
  );
  verdicts.push(
    verdictOf(await exchange(url, agent, { path, method: 'DELETE' }), (text) => text.includes('"deleted":true')),
  );
  return verdicts;
}

/** Turns that go on from the one before. */
async function conversation({ url, agent }: Stage, random: Random): Promise<Verdict[]> {
  const verdicts: Verdict[] = [];
  let previous: string | undefined;
  for (let turns = 1 + random.below(4); turns > 0; turns--) {
    const more = previous === undefined ? {} : { previous_response_id: previous };
    const body = { input: promptOf(random).slice(0, 300), max_output_tokens: 40, store: true, ...more };
    const outcome = await exchange(url, agent, { path: '/v1/responses', body });
    verdicts.push(verdictOf(outcome, (text) => /"status":"(?:completed|incomplete)"/.test(text)));
    if (outcome.status !== 200) break;
    previous = /"id":"(resp_[^"]+)"/.exec(outcome.text)?.[1];
  }
  if (previous !== undefined) await exchange(url, agent, { path: `/v1/responses/${previous}`, method: 'DELETE' });
  return verdicts;
}

async function hostile({ url, abuse }: Stage, random: Random): Promise<Verdict[]> {
  return [refusalOf(await exchange(url, abuse, hostileAsk(random)))];
}

/** The server may close the connection before it has all, and before its words are read. */
async function oversized({ url, abuse, maxBodyBytes }: Stage, random: Random): Promise<Verdict[]> {
  const outcome = await exchange(url, abuse, oversizedAsk(random, maxBodyBytes));
  if (outcome.end === 'broken') return ['closed'];
  return [
    outcome.status === 413 || outcome.end === 'left'
      ? refusalOf(outcome)
      : `FAILED with ${outcome.status}, ${outcome.end}`,
  ];
}

async function stray({ url, abuse }: Stage, random: Random): Promise<Verdict[]> {
  return [refusalOf(await exchange(url, abuse, strayAsk(random)))];
}

async function notHttp({ url }: Stage, random: Random): Promise<Verdict[]> {
  return [await rawAttack(url, random)];
}

async function burst({ url, agent, burst }: Stage, random: Random): Promise<Verdict[]> {
  const format = random.pick(formats);
  const one = async () => {
    const ask = format.ask({ prompt: 'Hello there', tokens: 8, stream: false, random });
    return verdictOf(await exchange(url, agent, ask), (text) => format.isWhole(text, false));
  };
  return await Promise.all(Array.from({ length: burst }, one));
}

async function probe({ url, agent }: Stage, random: Random): Promise<Verdict[]> {
  const path = random.pick([
    '/health',
    '/v1/models',
    '/api/tags',
    '/api/ps',
    '/api/version',
    '/metrics',
    '/openapi.json',
    '/',
  ]);
  return [verdictOf(await exchange(url, agent, { path }), (text) => text.length > 0)];
}
