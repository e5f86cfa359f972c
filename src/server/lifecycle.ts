import { OssiaError } from '../base/index.ts';
import type { Middleware } from './context.ts';
import { whenOver } from './http/over.ts';

/** Asked by orchestrators, and answered to the end. */
const PROBES = new Set(['/health', '/ready', '/ping', '/metrics', '/version']);

/** Where a server stands between its first request and its last. */
export class Lifecycle {
  #draining = false;
  #requests = 0;
  readonly #whenIdle: (() => void)[] = [];

  get draining(): boolean {
    return this.#draining;
  }

  /** Requests that are being answered, probes apart. */
  get requests(): number {
    return this.#requests;
  }

  /** From now on new requests are refused with `server/draining`; those that run go on. */
  drain(): void {
    this.#draining = true;
  }

  /** Resolves when no request is being answered. */
  async idle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  /** Counts requests, and turns them away while the server drains. */
  readonly gate: Middleware = async (c, next) => {
    if (PROBES.has(c.req.path)) return next();
    if (this.#draining) throw new OssiaError('server/draining', 'This server takes no new requests');
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
