/**
 * `npm run bench -- <name>` runs bench/<name>.ts, with the arguments that follow; without a name, lists them.
 *
 * A result is worth keeping with the machine, the commit and the command, so these come first.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { arch, cpus, platform } from 'node:os';

const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length));

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'not a checkout';
  }
}

const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  if (name !== undefined) console.error(`No benchmark "${name}"`);
  console.error(`Usage: npm run bench -- <name>, where <name> is one of: ${names.join(', ')}`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const processors = cpus();
  console.log(`command  npm run bench -- ${[name, ...rest].join(' ')}`);
  console.log(`machine  ${processors[0]?.model ?? 'unknown'}, ${processors.length} cores, ${platform()} ${arch()}`);
  console.log(`node     ${process.version}`);
  console.log(`commit   ${commit()}`);
  console.log(`date     ${new Date().toISOString()}\n`);
  process.argv.splice(2, 1); // what is left are the benchmark's own arguments
  await import(`./${name}.ts`);
}
