import type { OpTime } from '../../src/backends/cpu/index.ts';
import type { ModelConfig } from '../../src/model/index.ts';
import { distinctExperts } from '../speed/roofline.ts';
import { summarise } from '../speed/statistics.ts';

/** What ops of one kind did in one step. */
interface Work {
  calls: number;
  seconds: number;
  bytes: number;
  operations: number;
}

const OUTSIDE = '(outside of ops)';
const HEADINGS = ['', 'calls', 'µs a call', 'ms a step', 'share', 'GB/s', 'of bound', 'GOP/s', 'of peak'];

/** The ops of several steps, summed up by kind. */
export class LineTable {
  readonly #config: ModelConfig;
  /** By kind, a step each. */
  readonly #steps: Map<string, Work>[] = [];

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  /** One step: its ops, and how long all of it took. */
  add(ops: readonly OpTime[], seconds: number): void {
    const works = new Map<string, Work>();
    let inside = 0;
    for (const op of ops) {
      const kind = kindOf(op);
      const work = works.get(kind) ?? { calls: 0, seconds: 0, bytes: 0, operations: 0 };
      works.set(kind, work);
      work.calls++;
      work.seconds += op.seconds;
      inside += op.seconds;
      const { weight, inputs = 0 } = op;
      if (weight === undefined) continue;
      const [rows, cols] = weight.shape.slice(-2) as [number, number];
      const experts =
        op.op === 'expertLinear' ? distinctExperts(this.#config, inputs / this.#config.expertsPerToken) : 1;
      work.bytes += experts * weight.bytes;
      work.operations += 2 * rows * cols * inputs;
    }
    works.set(OUTSIDE, { calls: 1, seconds: Math.max(0, seconds - inside), bytes: 0, operations: 0 });
    this.#steps.push(works);
  }

  /** `bandwidth` in GB/s, `peak` in GOP/s. */
  format(bandwidth: number, peak: number): string {
    const kinds = [...new Set(this.#steps.flatMap((step) => [...step.keys()]))];
    const medians = kinds.map((kind) => {
      const works = this.#steps.map((step) => step.get(kind)).filter((work) => work !== undefined);
      return { kind, ...works[0]!, seconds: summarise(works.map(({ seconds }) => seconds)).median };
    });
    const total = medians.reduce((sum, { seconds }) => sum + seconds, 0);
    const rows = medians
      .sort((a, b) => b.seconds - a.seconds)
      .map(({ kind, calls, seconds, bytes, operations }) => [
        kind,
        String(calls),
        ((seconds / calls) * 1e6).toFixed(1),
        (seconds * 1e3).toFixed(2),
        percent(seconds / total),
        ...(bytes === 0 ? ['', ''] : [(bytes / seconds / 1e9).toFixed(1), percent(bytes / seconds / 1e9 / bandwidth)]),
        ...(operations === 0
          ? ['', '']
          : [(operations / seconds / 1e9).toFixed(0), percent(operations / seconds / 1e9 / peak)]),
      ]);
    const all = ['all', '', '', (total * 1e3).toFixed(2), '', '', '', '', ''];
    const table = [HEADINGS, ...rows, all];
    const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
    return table
      .map((row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  '))
      .map((line) => line.trimEnd())
      .join('\n');
  }
}

/** `expertLinear mlp.gate_up_proj`: what is alike in all layers. */
function kindOf({ op, weight }: OpTime): string {
  if (weight === undefined) return op;
  const name = weight.label.replace(/^.*\b(?:blk|layers|block)\.\d+\./, '').split(' ')[0]!;
  return `${op} ${name}`;
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(fraction < 0.0995 ? 1 : 0)} %`;
}
