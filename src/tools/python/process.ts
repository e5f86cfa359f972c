/**
 * The process that a Python interpreter lives in, on a thread. A thread alone would do for what Python can reach, but who makes
 * JavaScript run out of memory there ends the process, and that must not be the one that the model runs in.
 */
import { Worker } from 'node:worker_threads';
import { type FromWorker, type ProcessStart, readMessage, type ToProcess, type WorkerStart } from './messages.ts';

/** Milliseconds between two looks at the memory. A program fills some hundred megabytes in that time. */
const lookMs = 100;

/** Bytes that are there beside a program's memory and files: Node, the interpreter, pictures on their way. */
const ownBytes = 512 * 2 ** 20;

const interrupt = new Int32Array(new SharedArrayBuffer(4));
let worker: Worker | undefined;

function send(message: FromWorker): void {
  if (process.connected) process.send!(message);
}

function lose(message: string): void {
  send({ type: 'broken', message });
}

function start({ folder, maxMemory, maxFiles, maxOutput }: ProcessStart): Worker {
  const workerData: WorkerStart = { folder, interrupt: interrupt.buffer, maxMemory, maxFiles, maxOutput };
  // In the repository this file is TypeScript, which Node runs as it is; in the package both are JavaScript.
  const typescript = import.meta.url.endsWith('.ts');
  const started = new Worker(new URL(typescript ? './worker.ts' : './worker.js', import.meta.url), {
    workerData,
    env: {},
    execArgv: [],
    stdin: false,
    // Kept from the program's own output. Nothing is written there once Python is up, so nobody has to read it.
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 32, stackSizeMb: 8 },
  });
  started.on('message', (message: unknown) => {
    const read = readMessage(message);
    if (read) send(read);
  });
  started.on('error', (error: unknown) => lose(error instanceof Error ? error.message : String(error)));
  started.on('messageerror', () => lose('it sent what cannot be read'));
  started.on('exit', () => lose('its thread ended'));
  // The limits inside the thread hold Python's memory and files. Who reaches JavaScript's objects can make buffers beside them.
  setInterval(() => {
    if (process.memoryUsage.rss() > maxMemory + maxFiles + ownBytes) process.kill(process.pid, 'SIGKILL');
  }, lookMs);
  return started;
}

process.on('message', (message: ToProcess) => {
  switch (message.type) {
    case 'start':
      worker = start(message);
      break;
    case 'run':
      Atomics.store(interrupt, 0, 0);
      worker?.postMessage(message);
      break;
    case 'interrupt':
      Atomics.store(interrupt, 0, 2);
      Atomics.notify(interrupt, 0);
  }
});
// Ctrl-C ends a turn, not the names of its conversation. With whoever has started it, it ends in any case.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
