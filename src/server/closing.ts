import type { Server } from 'node:http';
import type { Turns } from '../api/index.ts';
import type { Composed } from './compose.ts';
import type { Lifecycle } from './lifecycle.ts';

/** For replies whose turns were just ended: to be written and read. */
const LAST_WORDS_MS = 5000;

/** Ends a server in order: nobody is left without an answer, and nothing that was acknowledged is lost. */
export async function closeServer(
  server: Server,
  { turns, responses, store, models, tools, console }: Composed,
  lifecycle: Lifecycle,
  drainMs: number,
): Promise<void> {
  lifecycle.drain();
  await within(LAST_WORDS_MS, console?.close());
  await within(drainMs, untilIdle(lifecycle, turns));
  await within(LAST_WORDS_MS, responses.close()); // before its turns, so that it is written down who ended them
  turns.stopAll();
  await within(LAST_WORDS_MS, untilIdle(lifecycle, turns));
  await closePort(server);
  store.close();
  await within(LAST_WORDS_MS, Promise.allSettled(tools.map((tool) => tool.close())));
  await models?.close();
}

export async function closePort(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}

/** When no reply is being written and no turn runs, in the background either. */
async function untilIdle(lifecycle: Lifecycle, turns: Turns): Promise<void> {
  await lifecycle.idle();
  while (turns.size > 0) await new Promise((resolve) => setTimeout(resolve, 20).unref());
}

async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const time = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, time]);
  clearTimeout(timer);
}
