import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { cpuMachine, measureReadBandwidth } from '../../backends/index.ts';

/** Memory that each thread walks. Together they must be far larger than any last-level cache. */
const BYTES_PER_THREAD = 192 * 2 ** 20;
const PASSES = 4;

/**
 * Bytes per second when every thread reads memory at once: the ceiling of decoding, which reads each active weight once
 * per token. Measured by the native kernels, or without them by libc's memchr.
 */
export async function measureBandwidth(threads: number): Promise<number> {
  return cpuMachine().available ? measureReadBandwidth({ threads }) * 1e9 : searchMemory(threads);
}

/** The same on a thread of its own, so that the caller's goes on meanwhile. */
export async function measureBandwidthAside(threads: number): Promise<number> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { threads }, execArgv: [] });
  try {
    return await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () => reject(new Error('The measuring thread ended without a number')));
    });
  } finally {
    await worker.terminate();
  }
}

/**
 * `Buffer.indexOf` of a byte that is not there is memchr, as wide as the machine's vectors. The best of a few passes is
 * taken, since other programs only ever make it slower.
 */
export async function searchMemory(threads: number): Promise<number> {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL(import.meta.url), { workerData: 'bandwidth' }),
  );
  try {
    await Promise.all(workers.map((worker) => next(worker))); // every buffer is filled
    let best = 0;
    for (let pass = 0; pass < PASSES; pass++) {
      const start = process.hrtime.bigint();
      for (const worker of workers) worker.postMessage('walk');
      await Promise.all(workers.map((worker) => next(worker)));
      const seconds = Number(process.hrtime.bigint() - start) / 1e9;
      best = Math.max(best, (threads * BYTES_PER_THREAD) / seconds);
    }
    return best;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function next(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
  });
}

if (!isMainThread && typeof workerData?.threads === 'number') {
  parentPort?.postMessage(await measureBandwidth(workerData.threads));
} else if (!isMainThread && workerData === 'bandwidth') {
  const memory = Buffer.alloc(BYTES_PER_THREAD, 2);
  parentPort?.on('message', () => {
    if (memory.indexOf(1) !== -1) throw new Error('the byte cannot be there');
    parentPort?.postMessage('done');
  });
  parentPort?.postMessage('ready');
}
