import type { Command } from 'commander';
import { apiKey, keyLine, newKey } from '../../server/index.ts';
import type { Context } from '../context.ts';
import { usage } from '../failure.ts';

export function addKey(program: Command, { terminal: { out } }: Context): void {
  program
    .command('key')
    .description('make a random key for `ossia serve`, and the line that a key file keeps of it')
    .argument('<name>', 'who will use it: letters, digits, . _ @ -')
    .action((name: string) => {
      if (!/^[\w.@-]{1,64}$/.test(name)) throw usage(`Cannot name a key "${name}"`, 'Use letters, digits, . _ @ -');
      const key = newKey();
      out.line(`key        ${key}`);
      out.line(`key file   ${keyLine(apiKey(key, name))}`);
    });
}
