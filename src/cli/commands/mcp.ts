import type { Command } from 'commander';
import { serveMcp } from '../../server/index.ts';
import type { Context } from '../context.ts';
import { catchInterrupt } from '../interrupt.ts';
import { addLoadFlags, addModelFlag, type LoadFlags, loadOptionsOf } from '../options.ts';

interface Flags extends LoadFlags {
  readonly model?: string;
}

export function addMcp(program: Command, context: Context): void {
  const command = program
    .command('mcp')
    .description('serve a model to one program over standard input and output, as an MCP server')
    .argument('[model]', 'path or name of the default model (default: $OSSIA_MODEL, or the embedded ossia-nano)');
  addModelFlag(command);
  addLoadFlags(command).action((name: string | undefined, flags: Flags) => run(context, name, flags));
}

async function run(context: Context, name: string | undefined, flags: Flags): Promise<void> {
  const { err, interactive } = context.terminal;
  if (interactive) err.line('Other programs start this and speak MCP to it: see docs/mcp.md. Ctrl-C ends it.');
  const interrupt = catchInterrupt();
  try {
    await serveMcp({
      defaultModel: name ?? flags.model ?? context.defaultModel,
      load: loadOptionsOf(context, flags),
      input: process.stdin,
      output: process.stdout,
      log: (line) => err.line(line),
      signal: interrupt.signal,
    });
  } finally {
    interrupt.dispose();
    process.stdin.destroy(); // else the process waits for more
  }
  if (interrupt.signal.aborted) process.exitCode = interrupt.exitCode;
}
