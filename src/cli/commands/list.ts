import type { Command } from 'commander';
import { listModels } from '../../index.ts';
import type { Context } from '../context.ts';
import { bytes, table } from '../format.ts';
import { storeOptions } from '../locate.ts';

export function addList(program: Command, context: Context): void {
  program
    .command('list')
    .alias('ls')
    .description('list the models on this machine: embedded, in the hub cache, in Ollama’s store')
    .option('--json', 'print one JSON object a model')
    .action(async (flags: { readonly json?: boolean }) => {
      const { out } = context.terminal;
      const models = await listModels(storeOptions(context));
      if (flags.json) {
        for (const model of models) out.line(JSON.stringify(model));
        return;
      }
      const rows = models.map(({ name, origin, layout, sizeBytes, status, path }) => [
        name,
        origin,
        layout ?? '?',
        bytes(sizeBytes),
        status,
        path,
      ]);
      for (const row of table([['NAME', 'FROM', 'LAYOUT', 'SIZE', 'STATUS', 'PATH'], ...rows], [3])) out.line(row);
    });
}
