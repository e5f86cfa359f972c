/** The thread that a Python interpreter lives on. */
import * as modules from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { driver } from './driver.ts';
import { limitFiles, limitMemory } from './limits.ts';
import { type FromWorker, maxImageLength, maxImages, type ToWorker, type WorkerStart } from './messages.ts';
import { type Pyodide, readPyodide, startPyodide } from './pyodide.ts';
import { sealRealm, stripRealm } from './realm.ts';

const start = workerData as WorkerStart;
const port = parentPort!;
const interrupt = new Int32Array(start.interrupt);
const send = (message: FromWorker) => port.postMessage(message);

/** Pyodide reads the signal and then clears it, in two steps, and would lose one that comes between. */
const signals = {
  get 0(): number {
    return Atomics.exchange(interrupt, 0, 0);
  },
  set 0(_) {},
};

/** Bytes of output of the program that runs: shown, and left out. */
let shown = 0;
let cut = 0;

function showTo(decoder: InstanceType<typeof TextDecoder>): { write: (bytes: Uint8Array) => number } {
  return {
    write: (bytes) => {
      const room = Math.min(bytes.length, start.maxOutput - shown);
      shown += room;
      cut += bytes.length - room;
      if (room > 0) send({ type: 'output', text: decoder.decode(bytes.slice(0, room), { stream: true }) });
      return bytes.length;
    },
  };
}

type Driver = (images: number, length: number, nap: (ms: number) => void) => (source: string) => unknown;

/** Waits, unless the program is to stop. */
function nap(ms: number): void {
  Atomics.wait(interrupt, 0, 0, ms);
}

async function open(): Promise<(source: string) => unknown> {
  const files = await readPyodide(start.folder);
  stripRealm();
  limitMemory(start.maxMemory);
  const python: Pyodide = await startPyodide(files);
  limitFiles(python.FS, start.maxFiles);
  python.setInterruptBuffer(signals);
  python.setStdin({ stdin: () => null });
  python.setStdout(showTo(new TextDecoder()));
  python.setStderr(showTo(new TextDecoder()));
  python.unregisterJsModule('js');
  python.unregisterJsModule('pyodide_js');
  const make = python.runPython(driver) as Driver;
  const run = make(maxImages, maxImageLength, nap);
  sealRealm();
  refuseImports();
  return run;
}

/** Node 20 has no hooks; there it is what sealRealm does alone that counts. */
function refuseImports(): void {
  modules.registerHooks?.({
    resolve(specifier) {
      throw new TypeError(`Cannot import ${specifier}: this thread is sealed`);
    },
  });
}

function execute(run: (source: string) => unknown, source: string): void {
  shown = cut = 0;
  try {
    const { isError, images } = JSON.parse(String(run(source)));
    send({ type: 'done', isError, images, cut });
  } catch (error) {
    // The driver catches what programs raise; only an interrupt that comes as they end gets past it, or the end of Python.
    const message = error instanceof Error ? error.message : String(error);
    if (/\bKeyboardInterrupt\b/.test(message)) send({ type: 'done', isError: true, images: [], cut });
    else send({ type: 'broken', message });
  }
}

try {
  const run = await open();
  port.on('message', ({ source }: ToWorker) => execute(run, source));
  send({ type: 'ready' });
} catch (error) {
  send({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
}
