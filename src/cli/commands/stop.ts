import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { ServerClient, type ServerFlags } from '../server-client.ts';
import { addServerFlags } from './ps.ts';

export function addStop(program: Command, context: Context): void {
  addServerFlags(program.command('stop'))
    .description('unload a model from a running server, once its requests are answered')
    .argument('<model>', 'as `ossia ps` shows it')
    .action(async (model: string, flags: ServerFlags) => {
      await new ServerClient(context, flags).post('/api/generate', { model, keep_alive: 0, stream: false });
    });
}
