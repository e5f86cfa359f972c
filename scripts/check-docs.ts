import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { consoleCommands, type DocCommand, fencedBlocks, matches } from './console-blocks.ts';
import { errorsPage } from './errors-page.ts';

/**
 * Holds the documents to the truth: links lead somewhere, ```ts blocks type-check against the library, ```console
 * blocks print what they show, and the page of errors is the table of errors.
 */
const root = resolve(import.meta.dirname, '..');
const problems: string[] = [];

const pages = [
  ...readdirSync(root).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].sort();

function checkErrorsPage(): void {
  const path = join(root, 'docs/reference/errors.md');
  if (process.argv.includes('--write')) writeFileSync(path, errorsPage());
  if (!existsSync(path) || readFileSync(path, 'utf8') !== errorsPage()) {
    problems.push('docs/reference/errors.md differs from src/base/errors.ts: run `node scripts/check-docs.ts --write`');
  }
}

function checkLinks(page: string, text: string): void {
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^(https?:|mailto:|#)/.test(target!)) continue;
    if (!existsSync(resolve(root, dirname(page), target!.split('#')[0]!))) {
      problems.push(`${page}: the link to ${target} leads nowhere`);
    }
  }
}

/** Type-checks every ```ts block in a folder inside the project, from where `ossia` and the clients of the tests resolve. */
function checkTypes(): void {
  const folder = join(root, 'test/clients/build/docs-examples');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const page of pages) {
    for (const { info, text, line } of fencedBlocks(readFileSync(join(root, page), 'utf8'))) {
      if (info === 'ts')
        writeFileSync(join(folder, `${page.replaceAll(/[/.]/g, '-')}-${line}.ts`), `${text}\nexport {};\n`);
    }
  }
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../../tsconfig.json',
      compilerOptions: { noUnusedLocals: false },
      include: ['*.ts'],
    }),
  );
  if (readdirSync(folder).length === 1) return;
  const tsc = join(root, 'node_modules/.bin/tsc');
  const { status, stdout } = spawnSync(tsc, ['-p', folder], { encoding: 'utf8', cwd: root });
  rmSync(folder, { recursive: true });
  if (status !== 0) problems.push(`a \`\`\`ts block of a document does not type-check:\n${stdout}`);
}

/** A folder in which documents' commands can read the project and write beside it, with `ossia` and `npx ossia` on the path. */
function scratch(): { folder: string; env: NodeJS.ProcessEnv } {
  const folder = mkdtempSync(join(tmpdir(), 'ossia-docs-'));
  for (const name of readdirSync(root)) {
    if (!name.startsWith('.') && name !== 'node_modules') symlinkSync(join(root, name), join(folder, name));
  }
  const shims = join(folder, '.shims');
  mkdirSync(shims);
  symlinkSync(join(root, 'bin/ossia.js'), join(shims, 'ossia'));
  writeFileSync(join(shims, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const PATH = `${shims}:${join(root, 'node_modules/.bin')}:${process.env.PATH}`;
  return { folder, env: { ...process.env, PATH, NO_COLOR: '1' } };
}

function run(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<{ code: number | null; output: string }> {
  return new Promise((settle) => {
    const child = spawn('bash', ['-c', command], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 120_000 });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (code) => settle({ code, output }));
  });
}

async function checkCommands(commands: readonly DocCommand[]): Promise<void> {
  const { folder, env } = scratch();
  try {
    for (const { file, line, command, expected } of commands) {
      const { code, output } = await run(command, folder, env);
      const where = `${relative(root, join(root, file))}:${line}: \`${command}\``;
      if (code !== 0) problems.push(`${where} ends with ${code}:\n${output}`);
      else if (expected !== undefined && !matches(expected, output)) {
        problems.push(`${where} prints\n${output}\n  and the document says\n${expected}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

checkErrorsPage();
const texts = pages.map((page) => [page, readFileSync(join(root, page), 'utf8')] as const);
for (const [page, text] of texts) checkLinks(page, text);
checkTypes();
const commands = texts.flatMap(([page, text]) => consoleCommands(page, text));
await checkCommands(commands);
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`docs: ${pages.length} pages, ${commands.length} commands as shown`);
