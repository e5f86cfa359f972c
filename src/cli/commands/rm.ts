import type { Command } from 'commander';
import { removeModel } from '../../index.ts';
import type { Context } from '../context.ts';
import { bytes } from '../format.ts';
import { storeOptions } from '../locate.ts';

export function addRm(program: Command, context: Context): void {
  program
    .command('rm')
    .description('remove a model from the hub cache')
    .argument('<model>', 'name, as `ossia list` shows it')
    .option('--revision <revision>', 'remove only this branch, tag or commit')
    .option('--json', 'print the result as one JSON object')
    .action(async (model: string, { revision, json }: { readonly revision?: string; readonly json?: boolean }) => {
      const removed = await removeModel(model, { ...storeOptions(context), revision });
      const text = `Removed ${removed.name}: ${bytes(removed.freedBytes)} freed in ${removed.path}`;
      context.terminal.out.line(json ? JSON.stringify(removed) : text);
    });
}
