import type { Machine } from '../../server/index.ts';
import { bytes, grouped, table } from '../format.ts';
import type { Channel } from '../terminal.ts';
import { CONTEXTS, type Fit, type Report } from './report.ts';

/** The report as people read it. */
export function renderReport(report: Report, out: Channel): string {
  const sections = [
    section(out, 'Machine', machineLines(report)),
    section(out, 'Compute paths', report.paths.map(pathLine)),
    section(out, 'Models that fit', [...fitLines(report.fits), '', ...fitNotes(report)]),
    section(out, 'Models found', report.models.length === 0 ? ['none'] : table(report.models.map(modelCells))),
    section(out, 'Missing', report.missing.length === 0 ? ['nothing'] : report.missing.flatMap(missingLines)),
  ];
  return sections.join('\n\n');
}

function section(out: Channel, title: string, lines: readonly string[]): string {
  return [out.bold(title), ...lines.map((line) => (line === '' ? '' : `  ${line}`))].join('\n');
}

function machineLines({ machine: m, node, ossia, bandwidthBytesPerSecond }: Report): string[] {
  return table([
    ['CPU', `${m.cpu} (${m.arch}), ${m.cores} logical cores${coreLimits(m)}`],
    ['instructions', m.instructionSets.join(', ') || 'none of those that Ossia has kernels for'],
    [
      'memory',
      `${bytes(m.memoryBytes)}, ${bytes(m.availableBytes)} available${m.memoryLimitBytes ? `, limited to ${bytes(m.memoryLimitBytes)}` : ''}`,
    ],
    ['bandwidth', `${(bandwidthBytesPerSecond / 1e9).toFixed(1)} GB/s, measured reading with every core`],
    ['system', m.os],
    ['node', node],
    ['ossia', ossia],
  ]);
}

function coreLimits(m: Machine): string {
  const limits = [
    m.usableCores === m.cores ? '' : `${m.usableCores} usable`,
    m.cpuQuota === undefined ? '' : `cgroup quota of ${m.cpuQuota}`,
  ].filter(Boolean);
  return limits.length === 0 ? '' : ` (${limits.join(', ')})`;
}

function pathLine({ backend, available, instructionSets, defaultThreads, reason }: Report['paths'][number]): string {
  if (backend === 'reference') return 'yes  reference: plain TypeScript, to compare with; far slower';
  if (!available) return `no   cpu: ${reason}`;
  const [best, ...others] = instructionSets;
  const rest = others.length === 0 ? '' : ` (also ${others.join(', ')})`;
  return `yes  cpu: ${best} on ${defaultThreads} ${defaultThreads === 1 ? 'thread' : 'threads'}${rest}`;
}

function fitLines(fits: readonly Fit[]): string[] {
  const head = [
    '',
    'dense',
    'KV',
    'weights',
    ...CONTEXTS.map((tokens) => `with ${grouped(tokens)}`),
    'decode, at most',
  ];
  const rows = fits.map((fit) => [
    fit.model,
    fit.dense === 'q8' ? '8-bit' : 'bf16',
    `${fit.kvBits}-bit`,
    bytes(fit.weightBytes),
    ...fit.contexts.map(({ needBytes, fits: verdict }) => `${bytes(needBytes)} ${verdict.padEnd(5)}`),
    fit.contexts[0]?.fits === 'no' ? '-' : `${fit.maxTokensPerSecond.toFixed(1)} tokens/s`, // it would wait for the disk
  ]);
  return table([head, ...rows], [3, 4, 5, 6, 7]);
}

function fitNotes({ machine }: Report): string[] {
  return [
    `"with N": weights, a KV cache of N tokens and the program, against ${bytes(machine.availableBytes)} available;`,
    '"tight" fits when other programs make room.',
    'Decode is an upper bound, not a promise: memory bandwidth ÷ bytes of weights that one token reads, at a short context.',
  ];
}

function modelCells({ name, origin, path, sizeBytes }: Report['models'][number]): string[] {
  return [name, origin, bytes(sizeBytes), path];
}

function missingLines({ what, next }: Report['missing'][number]): string[] {
  return [what, `  next: ${next}`];
}
