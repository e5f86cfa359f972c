import type { Command } from 'commander';
import { type LoadedModel, load, Session, type SessionOptions } from '../../index.ts';
import { announceModel } from '../announce.ts';
import { approvalOf } from '../approval.ts';
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
import { addToolFlags, closeAll, openToolbox, type ToolFlags } from '../tool-flags.ts';

interface Flags extends LoadFlags, SamplingFlags, TurnFlags, ToolFlags {
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
  addToolFlags(command);
  command.option('--no-history', 'do not keep what is entered for the arrow keys of later chats');
  addSamplingFlags(command);
  addLoadFlags(command);
  command.action((name: string | undefined, flags: Flags) => run(context, name, flags));
}

async function run(context: Context, name: string | undefined, flags: Flags): Promise<void> {
  const options = { ...samplingOf(flags), ...turnOptionsOf(flags) };
  const history = new History(flags.history ? context.stateDirectory : undefined);
  const toolbox = await openToolbox(context, flags);
  let model: LoadedModel | undefined;
  try {
    model = await load(name ?? flags.model ?? context.defaultModel, loadOptionsOf(context, flags));
    announceModel(context.terminal, model);
    const { system, maxSteps } = flags;
    const acting = { toolbox, ...approvalOf(context.terminal, flags), ...(maxSteps === undefined ? {} : { maxSteps }) };
    const all: SessionOptions = { ...options, ...(toolbox.length === 0 ? {} : acting) };
    const session = new Session<SessionOptions>(
      model,
      all,
      system === undefined ? [] : [{ role: 'system', content: system }],
    );
    await talk(context, model, session, { hideReasoning: flags.hideReasoning ?? false, history });
  } finally {
    history.save();
    await model?.close();
    await closeAll(toolbox);
  }
}
