import type { Readable, Writable } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { Turns } from '../../api/index.ts';
import { version } from '../../base/index.ts';
import { TurnMemory } from '../../chat/index.ts';
import { ModelHost, type ModelHostOptions } from '../models/index.ts';
import { createMcpServer } from './server.ts';

export interface McpStdioOptions extends Pick<ModelHostOptions, 'defaultModel' | 'load' | 'maxMemoryBytes'> {
  readonly input: Readable;
  readonly output: Writable;
  /** What went wrong where nobody waits for an answer, a line each. */
  readonly log: (line: string) => void;
  /** Ends it as the end of the input does. */
  readonly signal: AbortSignal;
}

/**
 * Serves one program over two streams until its side ends. The model loads meanwhile: a program waits for the first answer, not
 * for the first word. Rejects at once when there is no such model.
 */
export async function serveMcp(options: McpStdioOptions): Promise<void> {
  const { input, output, log, signal, defaultModel = 'ossia-nano' } = options;
  const host = new ModelHost(options);
  try {
    await host.describe(defaultModel);
    const loading = host.preload().catch((error: Error) => log(error.message));
    const turns = new Turns({ memory: new TurnMemory() });
    const server = createMcpServer({ host, turns, version: version() }, { client: 'stdio', signal });
    const over = ended(input, output, signal);
    server.server.onerror = (error) => log(error.message);
    await server.connect(new StdioServerTransport(input, output));
    await over;
    await server.close();
    turns.stopAll();
    await loading;
  } finally {
    await host.close();
  }
}

/** When nobody writes any more, or nobody reads. */
function ended(input: Readable, output: Writable, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['end', 'close', 'error']) input.once(event, () => resolve());
    for (const event of ['close', 'error']) output.once(event, () => resolve());
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
