/** The engine's own thread: opens the model that `workerData` names and serves requests from the port. See start.ts. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { type FromWorker, type KeyedEvent, type ToWorker, toWire } from './messages.ts';
import { type EngineOptions, openEngine } from './open.ts';

async function serve(port: MessagePort, options: EngineOptions): Promise<void> {
  const post = (message: FromWorker) => port.postMessage(message);
  const opened = await openEngine(options).catch((error: unknown) => {
    post({ type: 'failed', error: toWire(error) });
    return undefined;
  });
  if (!opened) return;
  const { engine } = opened;
  const requests = new Map<number, { readonly cancel: AbortController; readonly hurry: AbortController }>();

  let outbox: KeyedEvent[] = [];
  const send = (...event: KeyedEvent) => {
    // Runs when all readers of this step have taken their events, and before the next step begins.
    if (outbox.length === 0) process.nextTick(flush);
    outbox.push(event);
  };
  const flush = () => {
    post({ type: 'events', events: outbox });
    outbox = [];
  };

  const submit = async ({ key, ids, params, client }: ToWorker & { type: 'submit' }) => {
    const cancel = new AbortController();
    const hurry = new AbortController();
    requests.set(key, { cancel, hurry });
    const options = { signal: cancel.signal, hurry: hurry.signal, ...(client === undefined ? {} : { client }) };
    try {
      for await (const event of engine.submit(Array.from(ids), params, options)) send(key, event);
    } catch (error) {
      send(key, { type: 'error', error: toWire(error) });
    } finally {
      requests.delete(key);
    }
  };

  const route = async ({ key, ids, from }: ToWorker & { type: 'routing' }) => {
    const [cancel, hurry] = [new AbortController(), new AbortController()];
    requests.set(key, { cancel, hurry });
    try {
      post({ type: 'routing', key, layers: await engine.routing(Array.from(ids), { from, signal: cancel.signal }) });
    } catch (error) {
      post({ type: 'routing', key, error: toWire(error) });
    } finally {
      requests.delete(key);
    }
  };

  const close = async () => {
    await opened.close();
    post({ type: 'closed' });
    port.close(); // nothing else keeps the thread alive
  };

  port.on('message', (message: ToWorker) => {
    switch (message.type) {
      case 'submit':
        void submit(message);
        break;
      case 'cancel':
        requests.get(message.key)?.cancel.abort();
        break;
      case 'hurry':
        requests.get(message.key)?.hurry.abort();
        break;
      case 'stats':
        post({ type: 'stats', key: message.key, stats: engine.stats() });
        break;
      case 'routing':
        void route(message);
        break;
      case 'close':
        void close();
    }
  });
  post({ type: 'ready', info: opened.info });
}

if (parentPort) await serve(parentPort, workerData as EngineOptions);
