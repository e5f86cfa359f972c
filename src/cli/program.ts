import { Command } from 'commander';
import { addChat } from './commands/chat.ts';
import { addConform } from './commands/conform.ts';
import { addDoctor } from './commands/doctor.ts';
import { addInspect } from './commands/inspect.ts';
import { addKey } from './commands/key.ts';
import { addList } from './commands/list.ts';
import { addMcp } from './commands/mcp.ts';
import { addPs } from './commands/ps.ts';
import { addPull } from './commands/pull.ts';
import { addRm } from './commands/rm.ts';
import { addRun } from './commands/run.ts';
import { addServe } from './commands/serve.ts';
import { addShow } from './commands/show.ts';
import { addStop } from './commands/stop.ts';
import { addVerify } from './commands/verify.ts';
import type { Context } from './context.ts';
import { version } from './version.ts';

/** Every command, its flags and its help. The work itself is in commands/, a file each. */
export function createProgram(context: Context): Command {
  const program = new Command('ossia')
    .description("Runs OpenAI's open-weight models gpt-oss-20b and gpt-oss-120b on this machine")
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // main prints errors, in one form
  addRun(program, context);
  addChat(program, context);
  addServe(program, context);
  addMcp(program, context);
  addKey(program, context);
  addPull(program, context);
  addList(program, context);
  addShow(program, context);
  addRm(program, context);
  addVerify(program, context);
  addPs(program, context);
  addStop(program, context);
  addConform(program, context);
  addDoctor(program, context);
  addInspect(program, context);
  program.addHelpText('after', EXAMPLES);
  return program;
}

const EXAMPLES = `
Examples:
  ossia run "What can you do?"              ask the embedded model
  ossia run gpt-oss:20b "Why is the sky blue?" --effort low
  git diff | ossia run gpt-oss:20b "Write a commit message"
  ossia chat                                talk; /help lists what else it can do

Environment: OSSIA_MODEL, OSSIA_BACKEND, OSSIA_THREADS, OSSIA_DENSE, OSSIA_CONTEXT, OSSIA_DEBUG,
HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, OLLAMA_MODELS, NO_COLOR. See docs/cli.md.`;
