import type { Clock } from './clock.ts';
import type { PoolLoader } from './pool.ts';
import type { PoolModel } from './resident.ts';

/** A clock that stands still until it is told to go on. */
export class FakeClock implements Clock {
  #now = 1_000_000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): () => void {
    const timer = { at: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Timers run in order, each at its time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (!next) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  get timers(): number {
    return this.#timers.size;
  }
}

/** Lets everything that is ready happen. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

export class FakeModel implements PoolModel {
  readonly key: string;
  readonly info: { readonly sizeBytes: number; readonly kvBytesCapacity: number };
  failure: Error | undefined;
  readonly #machine: FakeMachine;

  constructor(machine: FakeMachine, key: string, bytes: number) {
    this.#machine = machine;
    this.key = key;
    this.info = { sizeBytes: bytes - 1, kvBytesCapacity: 1 };
  }

  close(): Promise<void> {
    return this.#machine.closing(this);
  }

  crash(): void {
    this.failure = new Error('the thread is gone');
    this.#machine.gone(this);
  }
}

/** What would be in memory: it keeps the books, and complains about what a real machine could not do. */
export class FakeMachine {
  readonly complaints: string[] = [];
  /** Loads that have begun, to be ended by the test. */
  readonly loading: { readonly key: string; done(): void; fail(error: Error): void }[] = [];
  /** Closes that have begun. */
  readonly closes: { readonly model: FakeModel; done(): void }[] = [];
  loads = 0;
  /** What the test holds, by model: those must not be closed. */
  readonly held = new Map<FakeModel, number>();
  readonly #alive = new Map<string, number>();
  readonly #gone = new Set<FakeModel>();
  readonly #sizes: Readonly<Record<string, number>>;
  readonly #limits: { readonly bytes: number; readonly models: number };

  constructor(sizes: Readonly<Record<string, number>>, limits: { readonly bytes: number; readonly models: number }) {
    this.#sizes = sizes;
    this.#limits = limits;
  }

  get alive(): readonly string[] {
    return [...this.#alive.keys()];
  }

  get bytes(): number {
    return [...this.#alive.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  loader(key: string): PoolLoader<FakeModel> {
    const bytes = this.#sizes[key] ?? 1;
    return {
      measure: async () => bytes,
      load: () => {
        this.loads++;
        if (this.#alive.has(key)) this.complaints.push(`${key} is loaded twice`);
        this.#alive.set(key, bytes);
        if (this.bytes > this.#limits.bytes) this.complaints.push(`${this.bytes} bytes are taken`);
        if (this.#alive.size > this.#limits.models) this.complaints.push(`${this.#alive.size} models are loaded`);
        return new Promise((resolve, reject) => {
          const end = () => void this.loading.splice(this.loading.indexOf(load), 1);
          const load = {
            key,
            done: () => {
              end();
              resolve(new FakeModel(this, key, bytes));
            },
            fail: (error: Error) => {
              end();
              this.#alive.delete(key);
              reject(error);
            },
          };
          this.loading.push(load);
        });
      },
    };
  }

  closing(model: FakeModel): Promise<void> {
    if ((this.held.get(model) ?? 0) > 0 && !model.failure) this.complaints.push(`${model.key} is closed while in use`);
    if (this.#gone.has(model)) return Promise.resolve();
    return new Promise((resolve) => {
      const close = {
        model,
        done: () => {
          this.closes.splice(this.closes.indexOf(close), 1);
          this.gone(model);
          resolve();
        },
      };
      this.closes.push(close);
    });
  }

  gone(model: FakeModel): void {
    if (!this.#gone.has(model)) this.#alive.delete(model.key);
    this.#gone.add(model);
  }
}
