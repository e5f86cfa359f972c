import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = 'node-llama-cpp';
const VERSION = '3.22.1';

/**
 * Installs llama.cpp's package for Node in a folder of its own, so that Ossia does not depend on it. Returns the folder,
 * or says why there is none.
 */
export function installPeer(cache: string): { readonly folder: string } | { readonly reason: string } {
  const folder = join(cache, `${PACKAGE}-${VERSION}`);
  if (existsSync(join(folder, 'node_modules', PACKAGE, 'dist', 'index.js'))) return { folder };
  mkdirSync(folder, { recursive: true });
  // npm gives its own settings to what it runs, and they would lead the inner npm back to this project.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
  try {
    execFileSync(
      'npm',
      ['install', '--prefix', folder, '--no-save', '--no-audit', '--no-fund', `${PACKAGE}@${VERSION}`],
      {
        cwd: folder,
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
        shell: process.platform === 'win32',
      },
    );
    return { folder };
  } catch (error) {
    const { stderr } = error as { stderr?: Buffer };
    const line = stderr?.toString().match(/npm error .*/)?.[0] ?? (error as Error).message;
    return { reason: `${PACKAGE} ${VERSION} could not be installed: ${line}` };
  }
}
