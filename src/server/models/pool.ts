import { Changes } from './changes.ts';
import { type Clock, systemClock } from './clock.ts';
import { orAborted } from './or-aborted.ts';
import { abandoned, draining, noRoom, tooLarge } from './refusals.ts';
import { type PoolModel, Resident } from './resident.ts';

/** How one model is had: the pool decides when. */
export interface PoolLoader<M extends PoolModel> {
  /** Bytes that the model will take at most. Rejects when there is no such model, or it can never fit. */
  measure(): Promise<number>;
  load(): Promise<M>;
}

export interface PoolOptions {
  /** Bytes for weights and KV caches of all models together. */
  readonly maxMemoryBytes: number;
  /** Models at a time. Default: as many as fit. */
  readonly maxLoaded?: number;
  /** How long a request waits for memory that others use before it is refused, in ms. Default 60,000. */
  readonly patienceMs?: number;
  readonly clock?: Clock;
}

export interface AcquireOptions {
  /** A new wish for how long the model stays after its last use. */
  readonly keepAliveMs?: number | undefined;
  /** Where nobody has said so before. */
  readonly defaultKeepAliveMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** A model in use. */
export interface Hold<M> {
  readonly model: M;
  readonly loadMs: number;
  /** Harmless when repeated. */
  release(): void;
}

/**
 * Loaded models within a bound of memory. A model is loaded once however many wait for it; what is in use is never unloaded;
 * what is not makes room for others, least recently used first, or goes when its keep-alive is over.
 */
export class ModelPool<M extends PoolModel> {
  readonly #maxMemoryBytes: number;
  readonly #maxLoaded: number;
  readonly #patienceMs: number;
  readonly #clock: Clock;
  readonly #residents = new Map<string, Resident<M>>();
  /** Being closed: their memory is still taken. */
  readonly #leaving = new Set<Resident<M>>();
  readonly #changes: Changes;
  /** The line of loads that wait for memory: one at a time, so that small ones do not pass a large one for ever. */
  #line: Promise<unknown> = Promise.resolve();
  #closed = false;
  #turn = 0;

  constructor({ maxMemoryBytes, maxLoaded = Number.POSITIVE_INFINITY, patienceMs = 60_000, clock }: PoolOptions) {
    this.#maxMemoryBytes = maxMemoryBytes;
    this.#maxLoaded = Math.max(1, maxLoaded);
    this.#patienceMs = patienceMs;
    this.#clock = clock ?? systemClock;
    this.#changes = new Changes(this.#clock);
  }

  /** What is loaded and works. */
  get loaded(): readonly Resident<M>[] {
    return [...this.#residents.values()].filter(({ model }) => model !== undefined && model.failure === undefined);
  }

  /** Bytes that are taken by models loaded, loading, and closing. */
  get memoryBytes(): number {
    return sum(this.#all());
  }

  /**
   * The model of this key, loaded if need be. Rejects with what kept it from loading, with `engine/queue-full` when others use
   * the memory for too long, with `server/model-too-large`, or with the signal's reason.
   */
  async acquire(key: string, loader: PoolLoader<M>, options: AcquireOptions): Promise<Hold<M>> {
    if (this.#closed) throw draining();
    options.signal?.throwIfAborted();
    const began = this.#clock.now();
    const resident = this.#residentOf(key, loader, options.defaultKeepAliveMs);
    resident.users++; // also while it loads: so that nobody finds it gone who waited for it
    resident.stay();
    if (options.keepAliveMs !== undefined) resident.keepAliveMs = options.keepAliveMs;
    let released = false;
    const release = () => {
      if (!released) this.#leave(resident);
      released = true;
    };
    try {
      const wasThere = resident.model !== undefined;
      const model = resident.model ?? (await orAborted(resident.loading!, options.signal));
      return { model, loadMs: wasThere ? 0 : Math.max(0, this.#clock.now() - began), release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Unloads a model, when its last user is gone. False when it is not there. */
  async unload(key: string): Promise<boolean> {
    const resident = this.#residents.get(key);
    if (!resident) return false;
    resident.keepAliveMs = 0;
    if (resident.idle) await this.#dismiss(resident);
    return true;
  }

  /** Takes no more requests, waits for those there are so long, then closes all models, those that still load included. */
  async close(graceMs = 0): Promise<void> {
    this.#closed = true;
    this.#changes.announce(); // whoever waits for memory learns that there will be none
    const deadline = this.#clock.now() + graceMs;
    while (this.#all().some(({ users }) => users > 0) && (await this.#changes.next(deadline)));
    for (const resident of [...this.#residents.values()]) {
      await resident.loading?.catch(() => {});
      if (this.#residents.get(resident.key) === resident) void this.#dismiss(resident);
    }
    while (this.#leaving.size > 0) await this.#changes.next(Number.POSITIVE_INFINITY);
  }

  #residentOf(key: string, loader: PoolLoader<M>, keepAliveMs: number): Resident<M> {
    this.#dropFailed();
    const there = this.#residents.get(key);
    if (there) return there;
    const resident = new Resident<M>(key, keepAliveMs, this.#clock);
    this.#residents.set(key, resident);
    resident.loading = this.#load(resident, loader);
    resident.loading.catch(() => {}); // those who wait have it; perhaps nobody does any more
    return resident;
  }

  async #load(resident: Resident<M>, loader: PoolLoader<M>): Promise<M> {
    try {
      const bytes = await loader.measure();
      if (bytes > this.#maxMemoryBytes) throw tooLarge(resident.key, bytes, this.#maxMemoryBytes);
      const deadline = this.#clock.now() + this.#patienceMs;
      const admitted = this.#line.then(() => this.#admit(resident, bytes, deadline));
      this.#line = admitted.catch(() => {});
      await admitted;
      const model = await loader.load();
      resident.bytes = model.info.sizeBytes + model.info.kvBytesCapacity;
      resident.model = model;
      this.#touch(resident);
      if (resident.users === 0) this.#rest(resident);
      this.#changes.announce(); // it may make room for others now
      return model;
    } catch (error) {
      this.#forget(resident);
      throw error;
    }
  }

  /** Makes room for a model, and takes it. */
  async #admit(resident: Resident<M>, bytes: number, deadline: number): Promise<void> {
    for (;;) {
      this.#dropFailed();
      if (this.#closed) throw draining();
      if (resident.users === 0) {
        this.#forget(resident); // nothing has begun yet, and there is nobody to begin it for
        throw abandoned(resident.key);
      }
      if (!this.#isLeaving(resident.key) && this.#fits(this.#all(), bytes)) break;
      const staying = this.#all().filter((other) => !this.#leaving.has(other));
      const victim = this.#fits(staying, bytes) ? undefined : leastRecentlyUsed(staying);
      if (victim) void this.#dismiss(victim);
      else if (!(await this.#changes.next(deadline))) {
        const busy = this.loaded.filter(({ users }) => users > 0).map((other) => other.key);
        throw noRoom(resident.key, bytes, busy, this.memoryBytes);
      }
    }
    resident.bytes = bytes;
    resident.admitted = true;
  }

  #fits(residents: readonly Resident<M>[], bytes: number): boolean {
    const admitted = residents.filter((other) => other.admitted);
    return sum(admitted) + bytes <= this.#maxMemoryBytes && admitted.length < this.#maxLoaded;
  }

  #isLeaving(key: string): boolean {
    return [...this.#leaving].some((other) => other.key === key);
  }

  #all(): Resident<M>[] {
    return [...this.#residents.values(), ...this.#leaving];
  }

  #leave(resident: Resident<M>): void {
    resident.users--;
    this.#touch(resident);
    const here = this.#residents.get(resident.key) === resident;
    if (here && resident.model?.failure) void this.#dismiss(resident);
    else if (here && resident.idle) this.#rest(resident);
    this.#changes.announce();
  }

  #touch(resident: Resident<M>): void {
    resident.lastUsed = this.#clock.now();
    resident.turn = ++this.#turn;
  }

  /** Nobody uses it: from now on it may go. */
  #rest(resident: Resident<M>): void {
    if (resident.keepAliveMs <= 0) void this.#dismiss(resident);
    else resident.whenExpired(() => void this.#dismiss(resident));
  }

  /** Closes a model; its memory is free when this resolves. */
  async #dismiss(resident: Resident<M>): Promise<void> {
    resident.stay();
    if (this.#residents.get(resident.key) === resident) this.#residents.delete(resident.key);
    this.#leaving.add(resident);
    try {
      await resident.model?.close();
    } catch {
      // It is gone all the same: whoever used it has had the error.
    } finally {
      this.#leaving.delete(resident);
      this.#changes.announce();
    }
  }

  #dropFailed(): void {
    for (const resident of [...this.#residents.values()]) if (resident.model?.failure) void this.#dismiss(resident);
  }

  #forget(resident: Resident<M>): void {
    if (this.#residents.get(resident.key) === resident) this.#residents.delete(resident.key);
    this.#changes.announce();
  }
}

function sum(residents: readonly { readonly bytes: number }[]): number {
  return residents.reduce((total, { bytes }) => total + bytes, 0);
}

function leastRecentlyUsed<M extends PoolModel>(residents: readonly Resident<M>[]): Resident<M> | undefined {
  return residents.filter(({ idle }) => idle).sort((a, b) => a.turn - b.turn)[0];
}
