import { randomUUID } from 'node:crypto';
import type { RequestId } from '@modelcontextprotocol/sdk/types.js';

/** What one client has said in one session. Requests need none; only what cancels a call has to find it. */
export class Session {
  readonly id = randomUUID();
  /** Nobody else may use it. */
  readonly client: string;
  readonly #running = new Map<string, () => void>();

  constructor(client: string) {
    this.client = client;
  }

  get isIdle(): boolean {
    return this.#running.size === 0;
  }

  /** A call begins; what is returned ends it. */
  enter(id: RequestId, stop: () => void): () => void {
    const key = JSON.stringify(id);
    this.#running.set(key, stop);
    return () => {
      if (this.#running.get(key) === stop) this.#running.delete(key);
    };
  }

  cancel(id: unknown): void {
    this.#running.get(JSON.stringify(id) ?? '')?.();
  }

  end(): void {
    for (const stop of this.#running.values()) stop();
  }
}

/** Sessions at a time. They hold next to nothing, and clients seldom end them. */
const MAX_SESSIONS = 1000;

/** The sessions of a server, those used last at the end. */
export class Sessions {
  readonly #sessions = new Map<string, Session>();

  begin(client: string): Session {
    const session = new Session(client);
    if (this.#sessions.size >= MAX_SESSIONS) this.#forgetOne();
    this.#sessions.set(session.id, session);
    return session;
  }

  /** Undefined where there is no such session of this client. */
  find(id: string, client: string): Session | undefined {
    const session = this.#sessions.get(id);
    if (session?.client !== client) return undefined;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
    return session;
  }

  end(session: Session): void {
    this.#sessions.delete(session.id);
    session.end();
  }

  #forgetOne(): void {
    const all = [...this.#sessions.values()];
    const session = all.find(({ isIdle }) => isIdle) ?? all[0];
    if (session !== undefined) this.end(session);
  }
}
