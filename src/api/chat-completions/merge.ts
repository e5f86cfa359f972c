/** Several streams as one, in the order in which their items come. All are ended when one fails or the reader leaves. */
export async function* merge<T>(
  sources: readonly AsyncIterator<T, unknown, undefined>[],
): AsyncGenerator<{ readonly index: number; readonly value: T }, void, undefined> {
  const step = async (index: number) => ({ index, result: await sources[index]!.next() });
  const pending = new Map(sources.map((_, index) => [index, step(index)]));
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values());
      if (result.done) pending.delete(index);
      else {
        yield { index, value: result.value };
        pending.set(index, step(index));
      }
    }
  } finally {
    for (const rest of pending.values()) rest.catch(() => {}); // one error is enough to tell
    await Promise.allSettled([...pending.keys()].map((index) => sources[index]!.return?.()));
  }
}

/**
 * A stream that says when it is over: `done` is called once, at its end, at an error or when its reader leaves, be it
 * before the first item.
 */
export function whenDone<T>(items: AsyncIterator<T, unknown, undefined>, done: () => void): AsyncIterableIterator<T> {
  let isDone = false;
  const finish = () => {
    if (!isDone) done();
    isDone = true;
  };
  const ending = (result: IteratorResult<T, unknown>): IteratorResult<T, undefined> => {
    if (!result.done) return result;
    finish();
    return { done: true, value: undefined };
  };
  const failing = (error: unknown): never => {
    finish();
    throw error;
  };
  return {
    next: () => items.next().then(ending, failing),
    async return() {
      finish();
      await items.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
