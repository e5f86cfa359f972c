import { OssiaError } from '../base/index.ts';
import type { Middleware } from './context.ts';
import { whenOver } from './http/over.ts';

/** Asked by orchestrators, and answered to the end. */
const PROBES = new Set(['/health', '/ready', '/ping', '/metrics', '/version', '/ossia/stats/live']);

/** Begins nothing: what is asked is there already, or speaks to a turn that runs. */
function beginsNothing(method: string, path: string): boolean {
  return (
    method === 'GET' || method === 'HEAD' || /\/(?:answer_now|answer-now|cancel|stop|approvals\/[^/]+)$/.test(path)
  );
}

/** Where a server stands between its first request and its last. */
export class Lifecycle {
  #state: 'loading' | 'ready' | 'draining' = 'loading';
  #requests = 0;
  readonly #whenIdle: (() => void)[] = [];

  /** Why nobody should be sent here; undefined when everybody may. */
  get notReady(): string | undefined {
    return this.#state === 'ready' ? undefined : this.#state;
  }

  /** Requests that are being answered, probes apart. */
  get requests(): number {
    return this.#requests;
  }

  /** The models are there. Requests that came before have waited for them. */
  begin(): void {
    if (this.#state === 'loading') this.#state = 'ready';
  }

  /** From now on what would begin something is refused with `server/draining`; what runs goes on. */
  drain(): void {
    this.#state = 'draining';
  }

  /** Resolves when no request is being answered. */
  async idle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Counts requests, and turns them away while the server drains. */
  readonly gate: Middleware = async (c, next) => {
    const { method, path } = c.req;
    if (PROBES.has(path)) return next();
    if (this.#state === 'draining' && !beginsNothing(method, path))
      throw new OssiaError('server/draining', 'This server takes no new requests');
    this.#requests++;
    if (c.env?.outgoing) {
      whenOver(c, () => this.#leave());
      return next();
    }
    try {
      await next();
    } finally {
      this.#leave();
    }
  };

  #leave(): void {
    if (--this.#requests > 0) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }
}
