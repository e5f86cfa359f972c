import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cpuMachine } from '../../backends/index.ts';

/** A way to compute on this machine. */
export interface ComputePath {
  readonly backend: 'cpu' | 'reference';
  readonly available: boolean;
  /** Kernels that this machine can run, best first; the first is the one that is used. */
  readonly instructionSets: readonly string[];
  readonly defaultThreads: number;
  /** Why it is not available, and what to do. */
  readonly reason?: string;
  readonly next?: string;
}

/** What can compute here. `search` is PATH, where the tools that build the kernels are looked for. */
export function findPaths(search: string | undefined): ComputePath[] {
  const { available, reason, instructionSets, defaultThreads } = cpuMachine();
  const cpu = { backend: 'cpu', available, instructionSets, defaultThreads } as const;
  return [
    available ? cpu : { ...cpu, reason: reason ?? 'unknown', next: nextStep(search) },
    { backend: 'reference', available: true, instructionSets: [], defaultThreads: 1 },
  ];
}

const COMPILERS = ['c++', 'g++', 'clang++'];

/** The exact step that brings the kernels: what to install, or where the build has left its reasons. */
function nextStep(search: string | undefined): string {
  const build = installedAsPackage() ? '`npm rebuild ossia`' : '`npm install` in the clone';
  const missing = [
    COMPILERS.some((name) => isExecutable(name, search)) ? '' : 'a C++17 compiler (g++ or clang++)',
    isExecutable('make', search) ? '' : 'make',
    isExecutable('python3', search) ? '' : 'python3',
  ].filter(Boolean);
  if (missing.length === 0) return `Run ${build}; if the kernels are still not built, build/install.log says why`;
  return `Install ${missing.join(', ')} (Debian, Ubuntu: apt-get install g++ make python3), then run ${build}`;
}

function installedAsPackage(): boolean {
  return !existsSync(fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url)));
}

function isExecutable(name: string, search = ''): boolean {
  return search.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}
