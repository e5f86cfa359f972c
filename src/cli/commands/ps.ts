import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { bytes, duration, table } from '../format.ts';
import { ServerClient, type ServerFlags } from '../server-client.ts';
import { printable } from '../terminal.ts';

interface Flags extends ServerFlags {
  readonly json?: boolean;
}

/** A line of `GET /api/ps`; `leases` and `backend` are Ossia's own. */
interface RunningModel {
  readonly name: string;
  readonly size: number;
  readonly expires_at: string;
  readonly context_length?: number;
  readonly leases?: number;
  readonly backend?: string;
}

export function addPs(program: Command, context: Context): void {
  addServerFlags(program.command('ps'))
    .description('list the models that a running server has loaded')
    .option('--json', 'print one JSON object a model')
    .action(async (flags: Flags) => {
      const { out } = context.terminal;
      const { models } = (await new ServerClient(context, flags).get('/api/ps')) as {
        models?: readonly RunningModel[];
      };
      if (flags.json) {
        for (const model of models ?? []) out.line(JSON.stringify(model));
        return;
      }
      const rows = (models ?? []).map((model) => rowOf(model, Date.now()).map(printable));
      for (const row of table([['NAME', 'SIZE', 'BACKEND', 'CONTEXT', 'IN USE', 'UNTIL'], ...rows], [1, 3, 4]))
        out.line(row);
    });
}

export function addServerFlags(command: Command): Command {
  return command
    .option('--host <address>', 'the server (default: OSSIA_HOST, or 127.0.0.1:6774)')
    .option('--api-key <key>', 'its key, where it asks for one (default: OSSIA_API_KEY)');
}

function rowOf(model: RunningModel, now: number): string[] {
  return [
    model.name,
    bytes(model.size),
    model.backend ?? '?',
    String(model.context_length ?? '?'),
    String(model.leases ?? '?'),
    until(model.expires_at, now),
  ];
}

/** Servers of this kind say "for good" with a time that nobody lives to see. */
function until(expires: string, now: number): string {
  const seconds = (Date.parse(expires) - now) / 1000;
  if (!(seconds < 100 * 365 * 24 * 3600)) return 'forever';
  return seconds <= 0 ? 'stopping' : `in ${duration(seconds)}`;
}
