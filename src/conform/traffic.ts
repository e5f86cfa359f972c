import { Broken, demand, show, skip } from './check.ts';
import { MARKUP } from './fixtures.ts';
import type { Probe } from './probe.ts';

/** Reads the beginning of a stream and leaves; then the server has to answer somebody else. */
export async function leaveAndAsk(probe: Probe, path: string, long: unknown, short: unknown): Promise<string> {
  const { status, bytes } = await probe.leave(path, long);
  demand(status === 200 && bytes > 0, `HTTP ${status}, ${bytes} bytes`);
  const before = performance.now();
  const next = await probe.again(path, short);
  demand(next.status === 200, `after a client left: ${next.describe()}`);
  return `the next answer took ${((performance.now() - before) / 1000).toFixed(1)} s`;
}

/** Several streams at once: each of one id, all of different ones, none broken. `idOf`: of one event's data, if it has one. */
export async function demandApart(
  probe: Probe,
  path: string,
  bodies: readonly unknown[],
  idOf: (data: unknown) => string | undefined,
): Promise<void> {
  const exchanges = await Promise.all(bodies.map((body) => probe.again(path, body)));
  const ids = exchanges.map((exchange) => {
    if (exchange.status !== 200) throw new Broken(`one of ${bodies.length} streams: ${exchange.describe()}`);
    return [...new Set(exchange.events.flatMap(({ data }) => idOf(data) ?? []))];
  });
  const mixed = ids.find((own) => own.length !== 1);
  demand(mixed === undefined, `one stream has the ids ${show(mixed)}`);
  demand(new Set(ids.flat()).size === bodies.length, `${bodies.length} streams share ids: ${show(ids.flat())}`);
}

/** Says whether a seed repeats a text; no server has to. */
export function sayWhetherEqual(first: string, second: string): string {
  return first === second ? 'the same text twice' : 'a different text the second time';
}

export function demandNoMarkup(replies: readonly string[]): void {
  if (replies.length === 0) skip('nothing was said');
  const found = replies.map((reply) => MARKUP.exec(reply)?.[0]).find((token) => token !== undefined);
  demand(found === undefined, `${show(found)} in a reply`);
}
