import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** What `npm run check` holds, in the order of how often each fails. */
const checks: readonly (readonly [string, string, ...string[]])[] = [
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['types', 'tsc', '-p', '.'],
  ['types of the console', 'tsc', '-p', 'web'],
  ['ladder', process.execPath, 'scripts/check-ladder.ts'],
  ['docs', process.execPath, 'scripts/check-docs.ts'],
];

const root = resolve(import.meta.dirname, '..');
const PATH = `${resolve(root, 'node_modules/.bin')}:${process.env.PATH}`;
let failed = 0;
for (const [name, command, ...args] of checks) {
  const started = performance.now();
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, PATH } });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (status !== 0) failed++;
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)${error ? `: ${error.message}` : ''}`);
}
process.exitCode = failed > 0 ? 1 : 0;
