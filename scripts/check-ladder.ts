import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rungs } from './ladder.ts';

export interface Breach {
  readonly file: string;
  readonly imports: string;
  readonly why: string;
}

/** Checks every import under `src` against the ladder: down only, by the other folder's index.ts, and of no unknown folder. */
export function climb(src: string): Breach[] {
  const rungOf = new Map(rungs.flatMap((folders, rung) => folders.map((folder) => [folder, rung] as const)));
  const breaches: Breach[] = [];
  for (const entry of readdirSync(src, { withFileTypes: true })) {
    if (entry.isDirectory() && !rungOf.has(entry.name)) {
      breaches.push({ file: entry.name, imports: '', why: 'the folder has no rung: add it to scripts/ladder.ts' });
    }
  }
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  for (const file of files.sort()) {
    const from = file.includes(sep) ? file.slice(0, file.indexOf(sep)) : undefined; // src/index.ts has no folder
    for (const specifier of importsOf(readFileSync(join(src, file), 'utf8'))) {
      if (!specifier.startsWith('.')) continue;
      const target = relative(src, resolve(src, dirname(file), specifier));
      const why = judge(from, target.split(sep), rungOf, file.endsWith('.test.ts'));
      if (why) breaches.push({ file: join('src', file), imports: specifier, why });
    }
  }
  return breaches;
}

function judge(
  from: string | undefined,
  target: readonly string[],
  rungOf: ReadonlyMap<string, number>,
  isTest: boolean,
): string | undefined {
  const to = target[0]!;
  if (to === '..') return isTest ? undefined : 'leaves src';
  if (target.length === 1) return from === 'cli' || isTest ? undefined : 'only cli may import the library front';
  if (from === undefined) return target[1] === 'index.ts' ? undefined : `enters ${to} by ${target.slice(1).join('/')}`;
  if (from === to) return undefined;
  const [fromRung, toRung] = [rungOf.get(from), rungOf.get(to)];
  if (toRung === undefined) return `${to} has no rung`;
  if (fromRung !== undefined && toRung >= fromRung) return `climbs from ${from} to ${to}`;
  return target[1] === 'index.ts' && target.length === 2 ? undefined : `enters ${to} by ${target.slice(1).join('/')}`;
}

/** The console stands beside the house: of what is in `src` it may import types alone, by `src/api/index.ts`. */
export function lookIn(web: string): Breach[] {
  const api = resolve(web, '../../src/api/index.ts');
  const breaches: Breach[] = [];
  const files = readdirSync(web, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  for (const file of files.sort()) {
    const source = readFileSync(join(web, file), 'utf8');
    const ofValues = new Set(
      importsOf(source.replaceAll(/^\s*(?:import|export) type\b[^'"`;]*?\bfrom\s*['"][^'"]+['"]/gm, '')),
    );
    for (const specifier of importsOf(source)) {
      const target = resolve(web, dirname(file), specifier);
      if (!specifier.startsWith('.') || target.startsWith(web + sep)) continue;
      const why =
        target !== api ? 'leaves the console' : ofValues.has(specifier) ? 'imports more than types' : undefined;
      if (why) breaches.push({ file: join('web/src', file), imports: specifier, why });
    }
  }
  return breaches;
}

/** Module specifiers of a source: import and export declarations, and dynamic imports of a literal. */
export function importsOf(source: string): string[] {
  const declaration = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
  const dynamic = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
  return [
    ...[...source.matchAll(declaration)].map((match) => match[1] ?? match[2]!),
    ...[...source.matchAll(dynamic)].map((match) => match[1]!),
  ];
}

if (import.meta.main) {
  const root = resolve(import.meta.dirname, '..');
  const breaches = [...climb(join(root, 'src')), ...lookIn(join(root, 'web/src'))];
  for (const { file, imports, why } of breaches) console.error(`${file}: ${imports} ${why}`);
  if (breaches.length > 0) process.exit(1);
  console.log('ladder: every import goes down');
}
