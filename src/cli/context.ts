import { homedir } from 'node:os';
import { join } from 'node:path';
import { openTerminal, type Terminal } from './terminal.ts';

/** What every command is given: where to write, and the environment that nothing below `cli` reads. */
export interface Context {
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  /** OSSIA_MODEL, or the embedded model. */
  readonly defaultModel: string;
  /** OSSIA_DEBUG=1: errors come with their stack. */
  readonly debug: boolean;
  /** Where the command keeps what is worth keeping between runs: $XDG_STATE_HOME/ossia. */
  readonly stateDirectory: string;
}

export const EMBEDDED_MODEL = 'ossia-nano';

export function openContext(env: NodeJS.ProcessEnv): Context {
  const debug = env.OSSIA_DEBUG ?? '';
  return {
    terminal: openTerminal(env),
    env,
    defaultModel: env.OSSIA_MODEL || EMBEDDED_MODEL,
    debug: debug !== '' && debug !== '0',
    stateDirectory: join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'ossia'),
  };
}
