/**
 * `npm run bench -- <name>` runs bench/<name>.ts, with the arguments that follow. Without a name it is `speed`, with `--profile`
 * `profile`; `--help` lists all.
 *
 * A result is worth keeping with the machine, the commit and the command, so these come first.
 */
import { readdirSync } from 'node:fs';
import { circumstances } from './support/machine.ts';

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length));

const given = process.argv.slice(2);
const isNamed = given[0] !== undefined && !given[0].startsWith('-');
const name =
  given[0] === '--help' || given[0] === '-h'
    ? undefined
    : isNamed
      ? given[0]
      : given.includes('--profile')
        ? 'profile'
        : 'speed';
const rest = isNamed ? given.slice(1) : given;
if (name === undefined || !names.includes(name)) {
  if (name !== undefined) console.error(`No benchmark "${name}"`);
  console.error(`Usage: npm run bench [-- <name>], where <name> is one of: ${names.join(', ')}; without one, speed`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  for (const [what, value] of Object.entries(circumstances([name, ...rest]))) console.log(what.padEnd(8), value);
  console.log();
  if (isNamed) process.argv.splice(2, 1); // what is left are the benchmark's own arguments
  await import(`./${name}.ts`);
}
