// Builds the C++ addons during `npm install`, with any Node from 20 on. Where that fails, says so and ends well: Ossia then
// runs on its slower paths. Nothing is downloaded: headers come from npm's `nodedir`, from the running Node's own
// installation, or else from the npm package `node-api-headers`.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const build = join(root, 'build');
const require = createRequire(import.meta.url);
const addons = ['ossia_cpu', 'ossia_map'];

/** What the build depends on: its sources, its rules, and the machine that it is for. */
function fingerprint() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.env.CXX ?? ''}\n`);
  const sources = ['src/backends/cpu', 'src/checkpoint/native'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(cc|h)$/.test(name))
      .map((name) => join(folder, name)),
  );
  for (const file of ['binding.gyp', 'scripts/install-addon.js', ...sources.sort()]) {
    hash.update(file).update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

/** node-gyp as npm brings it, or as it stands in node_modules. */
function findNodeGyp() {
  const besideNpm =
    process.env.npm_execpath && join(dirname(process.env.npm_execpath), '../node_modules/node-gyp/bin/node-gyp.js');
  const besideNode = join(dirname(process.execPath), '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js');
  const candidates = [process.env.npm_config_node_gyp, besideNpm, besideNode];
  return candidates.find((file) => file && existsSync(file));
}

/** A folder with include/node/node_api.h, for `--nodedir`. */
function findHeaders() {
  const prefix = resolve(dirname(process.execPath), '..');
  for (const folder of [process.env.npm_config_nodedir, prefix]) {
    if (folder && ['node_api.h', 'common.gypi'].every((name) => existsSync(join(folder, 'include/node', name))))
      return folder;
  }
  return headersFromPackage();
}

/** The least that node-gyp asks of a `nodedir`, around the headers of the npm package. Not below build/, which it empties. */
function headersFromPackage() {
  const { include_dir: source } = require('node-api-headers');
  const folder = mkdtempSync(join(tmpdir(), 'ossia-headers-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const target = join(folder, 'include/node');
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(source)) if (name.endsWith('.h')) copyFileSync(join(source, name), join(target, name));
  const flags = {
    target_defaults: {
      default_configuration: 'Release',
      configurations: { Release: {} },
      cflags: ['-fPIC', '-pthread', '-fvisibility=hidden'],
      xcode_settings: { GCC_SYMBOLS_PRIVATE_EXTERN: 'YES', OTHER_LDFLAGS: ['-undefined dynamic_lookup'] },
    },
  };
  writeFileSync(join(target, 'common.gypi'), JSON.stringify(flags));
  writeFileSync(
    join(target, 'config.gypi'),
    JSON.stringify({ target_defaults: {}, variables: process.config.variables }),
  );
  return folder;
}

/** Why an addon does not load, or undefined. */
function loadFailure(addon) {
  const code = `process.dlopen({ exports: {} }, ${JSON.stringify(join(build, 'Release', `${addon}.node`))})`;
  const { status, stderr } = spawnSync(process.execPath, ['-e', code], { encoding: 'utf8' });
  return status === 0 ? undefined : (stderr.split('\n').find((line) => line.startsWith('Error')) ?? 'it does not load');
}

function run() {
  if (process.platform === 'win32') return 'the kernels need g++ or clang, and node-gyp uses neither on Windows';
  const nodeGyp = findNodeGyp();
  if (!nodeGyp) return 'node-gyp, which comes with npm, was not found';
  const jobs = String(Math.max(1, availableParallelism()));
  const args = [nodeGyp, 'rebuild', '--loglevel=warn', `--nodedir=${findHeaders()}`, '--jobs', jobs];
  const { npm_config_nodedir: _, ...env } = process.env; // it would win over the flag
  const { status, stdout, stderr, error } = spawnSync(process.execPath, args, {
    env,
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  mkdirSync(build, { recursive: true });
  writeFileSync(join(build, 'install.log'), `${stdout}\n${stderr}\n${error ?? ''}`);
  if (status === 0) return undefined;
  const lines = `${stderr}\n${stdout}`.split('\n');
  const telling =
    lines.find((line) => /: (fatal )?error:|: not found|Could not find|ERR! stack Error/i.test(line)) ??
    lines.find((line) => /\berror\b/i.test(line));
  return telling?.replace(/^gyp ERR! (find Python|stack) ?/i, '').trim() ?? 'the build ended with an error';
}

function main() {
  const status = join(build, 'install-status.json');
  const wanted = fingerprint();
  if (existsSync(status)) {
    const { fingerprint: last, failed } = JSON.parse(readFileSync(status, 'utf8'));
    if (last === wanted && failed.length === 0 && addons.every((addon) => !loadFailure(addon))) return;
  }
  if (existsSync(build)) rmSync(join(build, 'Release'), { recursive: true, force: true });
  const reason = run();
  const failed = [];
  for (const addon of addons) {
    const why = loadFailure(addon);
    if (why) failed.push({ addon, reason: reason ?? why });
  }
  mkdirSync(build, { recursive: true });
  writeFileSync(status, `${JSON.stringify({ fingerprint: wanted, failed }, null, 2)}\n`);
  if (failed.length === 0) return;
  console.warn(
    [
      `ossia: the C++ addon was not built: ${failed[0].reason}`,
      'ossia: it works without, on plain TypeScript, which is many times slower and fit for small models only',
      'ossia: install a C++17 compiler, make and python3, then run `npm run install` (what happened: build/install.log)',
    ].join('\n'),
  );
}

try {
  main();
} catch (error) {
  console.warn(`ossia: the C++ addon was not built: ${error.message}\nossia: run \`npm run install\` to try again`);
}
