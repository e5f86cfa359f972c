import { consoleErrorOf, type Host, type PullState } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import { knownModel, type PullEvent } from '../../checkpoint/index.ts';

const MAX_RUNNING = 3;
/** Pulls that are over and still told of. */
const MAX_OVER = 20;

interface Pull {
  state: PullState;
  readonly abort: AbortController;
}

/** Downloads that go on whoever looks: a page that is closed ends none. */
export class Pulls {
  readonly #host: Host;
  readonly #pulls = new Map<string, Pull>();
  readonly #running = new Set<Promise<void>>();

  constructor(host: Host) {
    this.#host = host;
  }

  /** Those that run, and the last that ended; newest last. */
  get states(): readonly PullState[] {
    return [...this.#pulls.values()].map(({ state }) => state);
  }

  /** Begins a download, or says how far the one of this name is. Throws `api/unsupported`, `server/too-many-requests`. */
  start(name: string): PullState {
    if (!this.#host.pull) throw new OssiaError('api/unsupported', 'This server downloads no models');
    const key = keyOf(name);
    const known = this.#pulls.get(key);
    if (known?.state.status === 'running') return known.state;
    if (this.#running.size >= MAX_RUNNING) {
      throw new OssiaError('server/too-many-requests', `Cannot download more than ${MAX_RUNNING} models at a time`);
    }
    const state: PullState = { name, status: 'running', doneBytes: 0, totalBytes: 0, bytesPerSecond: 0 };
    const pull: Pull = { state, abort: new AbortController() };
    this.#pulls.delete(key); // so that it becomes the newest
    this.#pulls.set(key, pull);
    const run = this.#run(pull, this.#host.pull(name, { signal: pull.abort.signal })).finally(() => {
      this.#running.delete(run);
      this.#forgetOld();
    });
    this.#running.add(run);
    return pull.state;
  }

  /** False when no download of this name runs. What has been downloaded stays, and the next one goes on from there. */
  cancel(name: string): boolean {
    const pull = this.#pulls.get(keyOf(name));
    if (pull?.state.status !== 'running') return false;
    pull.abort.abort();
    return true;
  }

  /** Ends all, and resolves when they have ended. */
  async close(): Promise<void> {
    for (const { abort } of this.#pulls.values()) abort.abort();
    await Promise.all(this.#running);
  }

  async #run(pull: Pull, events: AsyncIterable<PullEvent>): Promise<void> {
    const { signal } = pull.abort;
    try {
      for await (const event of events) pull.state = { ...pull.state, ...told(event) };
      pull.state = over(pull.state, { status: 'done', doneBytes: pull.state.totalBytes });
    } catch (error) {
      const end = signal.aborted ? { status: 'cancelled' as const } : { status: 'failed' as const, error };
      pull.state = over(pull.state, {
        status: end.status,
        ...('error' in end ? { error: consoleErrorOf(end.error) } : {}),
      });
    }
  }

  #forgetOld(): void {
    const ended = [...this.#pulls].filter(([, { state }]) => state.status !== 'running');
    for (const [key] of ended.slice(0, -MAX_OVER)) this.#pulls.delete(key);
  }
}

/** Two names of one model are one download. */
function keyOf(name: string): string {
  return knownModel(name)?.hub ?? name;
}

function told(event: PullEvent): Partial<PullState> {
  switch (event.type) {
    case 'plan':
      return { doneBytes: event.presentBytes, totalBytes: event.totalBytes };
    case 'progress': {
      const { file, doneBytes, totalBytes, bytesPerSecond } = event;
      return { file, doneBytes, totalBytes, bytesPerSecond };
    }
    case 'verify':
    case 'retry':
      return { file: event.file, bytesPerSecond: 0 };
    case 'file':
    case 'done':
      return {};
  }
}

/** Nothing moves any more. */
function over({ file: _, ...state }: PullState, end: Partial<PullState>): PullState {
  return { ...state, bytesPerSecond: 0, ...end };
}
