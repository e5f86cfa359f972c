import type { Command } from 'commander';
import { startServer, type Tool } from '../../index.ts';
import type { Context } from '../context.ts';
import { usage } from '../failure.ts';
import { addModelFlag } from '../options.ts';
import { announceServer } from '../serve/announce.ts';
import { addServeFlags, type ServeFlags } from '../serve/flags.ts';
import { serveOptionsOf } from '../serve/serve-options.ts';
import { untilSignal } from '../serve/signals.ts';
import { closeAll, openServerTools } from '../tool-flags.ts';

interface Flags extends ServeFlags {
  readonly model?: string;
}

export function addServe(program: Command, context: Context): void {
  const command = program
    .command('serve')
    .description('serve models over HTTP: the APIs of OpenAI, Ollama and Anthropic on one port')
    .argument('[model]', 'path or name of the default model (default: $OSSIA_MODEL, or the embedded ossia-nano)');
  addModelFlag(command);
  addServeFlags(command).action((name: string | undefined, flags: Flags) => run(context, name, flags));
}

async function run(context: Context, name: string | undefined, flags: Flags): Promise<void> {
  const { terminal } = context;
  const format = flags.logFormat ?? (terminal.err.isTerminal ? 'pretty' : 'json');
  const log = { format, level: flags.logLevel, write: (text: string) => terminal.err.write(text) };
  const tools = await toolsOf(context, flags);
  const options = { ...serveOptionsOf(context, flags), tools, model: name ?? flags.model ?? context.defaultModel, log };
  const stop = untilSignal(); // from here on, so that a signal during the start is an end in order too
  const server = await startServer(options).catch(async (error: unknown) => {
    await closeAll(tools);
    throw error;
  });
  try {
    await announceServer(terminal, server, options);
    await stop.signalled;
    const { turns } = server;
    if (turns.size > 0) terminal.err.line(`Ending: ${turns.size} turns may go on for ${flags.drain / 1000} s`);
  } finally {
    await server.close({ drainMs: flags.drain });
    stop.dispose();
  }
}

async function toolsOf(context: Context, flags: Flags): Promise<readonly Tool[]> {
  if (flags.tools) return openServerTools(context, flags);
  const asked = (['mcp', 'patch', 'search', 'corpus'] as const).find((name) => flags[name] !== undefined);
  if (asked !== undefined) throw usage(`--no-tools leaves nothing for --${asked}`, 'Leave one of them out');
  return [];
}
