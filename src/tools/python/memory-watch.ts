import type { Worker } from 'node:worker_threads';

/** Milliseconds between two looks. A program fills some hundred megabytes in that time. */
const intervalMs = 100;

/** Bytes that are there beside a program's memory and files: the interpreter itself, pictures, messages on their way. */
const ownBytes = 128 * 2 ** 20;

/**
 * Calls `exceeded` once when a thread has more than `allowed` bytes outside JavaScript's heap. The limits inside the thread hold
 * Python's memory and files; who reaches JavaScript's objects, with `ctypes` or worse, can make buffers that they do not know.
 * Returns what ends the watch. Before Node 22.16 threads cannot be looked at, and nothing is watched.
 */
export function watchMemory(worker: Worker, allowed: number, exceeded: () => void): () => void {
  const { getHeapStatistics } = worker as Partial<Pick<Worker, 'getHeapStatistics'>>;
  if (!getHeapStatistics) return () => {};
  let isLooking = false;
  const look = async () => {
    if (isLooking) return; // the thread answers between two steps of its program
    isLooking = true;
    const statistics = await getHeapStatistics.call(worker).catch(() => undefined); // it has ended
    isLooking = false;
    if (statistics && statistics.external_memory > allowed + ownBytes) exceeded();
  };
  const timer = setInterval(look, intervalMs);
  return () => clearInterval(timer);
}
