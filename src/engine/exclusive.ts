/** Lets one piece of work run at a time, in the order in which they come. */
export class Exclusive {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {}); // who asked for it is told
    return result;
  }
}
