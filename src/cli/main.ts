import process from 'node:process';
import { CommanderError } from 'commander';
import { openContext } from './context.ts';
import { EXIT, exitCodeOf, printFailure, usage } from './failure.ts';
import { createProgram } from './program.ts';

/**
 * The `ossia` command. Exit codes: 0 ok, 1 error, 2 wrong usage, 130 interrupted.
 * The code is set and the process left to end by itself, so that output still on its way is written.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const context = openContext(process.env);
  const program = createProgram(context);
  process.on('uncaughtException', (error) => {
    printFailure(context.terminal, error, context.debug);
    process.exit(EXIT.error);
  });
  try {
    await program.parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return; // --help, --version
    const failure = error instanceof CommanderError ? fromCommander(error) : error;
    process.exitCode = failure === undefined ? EXIT.usage : exitCodeOf(failure);
    if (failure !== undefined) printFailure(context.terminal, failure, context.debug);
  }
}

/** commander's `error: unknown option '--sed'\n(Did you mean --seed?)` in our form; nothing where it has printed the help instead. */
function fromCommander(error: CommanderError): Error | undefined {
  if (error.code === 'commander.help') return undefined;
  const [message, suggestion] = error.message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .split('\n');
  return usage(message ?? error.message, suggestion?.replace(/^\((.*)\)$/, '$1'));
}
