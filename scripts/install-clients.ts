/**
 * Installs the real clients that the server is tested with (test/clients/package.json), unless they are there already.
 * They are a package of their own, so that `npm install` of Ossia stays small.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../test/clients/', import.meta.url));
const lock = createHash('sha256')
  .update(readFileSync(`${folder}package-lock.json`))
  .digest('hex');
const marker = `${folder}node_modules/.ossia-installed`;

if (!existsSync(marker) || readFileSync(marker, 'utf8') !== lock) {
  console.log('Installing the clients that the tests need (once, into test/clients) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('The clients could not be installed: the tests need the npm registry once. Run `npm test` again.');
    process.exit(1);
  }
  writeFileSync(marker, lock);
}
