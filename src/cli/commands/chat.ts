import type { Command } from 'commander';
import { load, Session } from '../../index.ts';
import { announceModel } from '../announce.ts';
import { History } from '../chat/history.ts';
import { talk } from '../chat/talk.ts';
import type { Context } from '../context.ts';
import {
  addLoadFlags,
  addModelFlag,
  addSamplingFlags,
  addTurnFlags,
  type LoadFlags,
  loadOptionsOf,
  type SamplingFlags,
  samplingOf,
  type TurnFlags,
  turnOptionsOf,
} from '../options.ts';

interface Flags extends LoadFlags, SamplingFlags, TurnFlags {
  readonly model?: string;
  /** False with --no-history. */
  readonly history: boolean;
}

export function addChat(program: Command, context: Context): void {
  const command = program
    .command('chat')
    .description('talk with a model; from a pipe, every line is a message')
    .argument('[model]', 'path or name');
  addModelFlag(command);
  addTurnFlags(command);
  command.option('--no-history', 'do not keep what is entered for the arrow keys of later chats');
  addSamplingFlags(command);
  addLoadFlags(command);
  command.action((name: string | undefined, flags: Flags) => run(context, name, flags));
}

async function run(context: Context, name: string | undefined, flags: Flags): Promise<void> {
  const options = { ...samplingOf(flags), ...turnOptionsOf(flags) };
  const history = new History(flags.history ? context.stateDirectory : undefined);
  const model = await load(name ?? flags.model ?? context.defaultModel, loadOptionsOf(context, flags));
  try {
    announceModel(context.terminal, model);
    const { system } = flags;
    const session = new Session(model, options, system === undefined ? [] : [{ role: 'system', content: system }]);
    await talk(context, model, session, { hideReasoning: flags.hideReasoning ?? false, history });
  } finally {
    history.save();
    await model.close();
  }
}
