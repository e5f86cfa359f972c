import type { ServeOptions } from './options.ts';
import type { RunningServer } from './serve.ts';

/**
 * Starts a server, and resolves when its models are loaded.
 *
 *     const server = await startServer({ model: 'gpt-oss:20b', port: 0 });
 *     await fetch(`${server.url}/v1/models`);
 *     await server.close({ drainMs: 10_000 });
 *
 * Throws `server/cannot-listen`, `server/bad-option`, `server/store-failed`, and what loading a model may throw.
 */
export async function startServer(options: ServeOptions = {}): Promise<RunningServer> {
  const server = await import('./serve.ts'); // what it needs takes longer to read than most commands take to run
  return await server.startServer(options);
}
