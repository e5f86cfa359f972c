import type { LlamaBench } from './llama-bench.ts';
import type { RunResult } from './measure.ts';
import type { DenseKind } from './roofline.ts';
import type { Job } from './subject.ts';

/** Who runs which file, and what came of it. */
export interface Contender extends Pick<Job, 'subject' | 'model' | 'dense' | 'kvBits' | 'isa'> {
  readonly title: string;
  readonly denseKind: DenseKind;
  /** Of `llama-bench`. */
  readonly llamaBench?: LlamaBench;
  /** A run each. */
  readonly results: RunResult[];
}

export const PEER = 'llama.cpp';

export interface Choice {
  readonly paths: readonly string[];
  readonly kvBits: 8 | 16;
  /** Ossia's instruction sets; undefined is the best. */
  readonly isas: readonly (string | undefined)[];
  readonly hasPeer: boolean;
  /** Another build of llama.cpp, under a name. */
  readonly llamaBench: (LlamaBench & { readonly name: string }) | undefined;
}

/** Everybody, in the order of a round. */
export function contenders({ paths, kvBits, isas, hasPeer, llamaBench }: Choice): Contender[] {
  const on = (title: string, model: string, dense: 'keep' | 'q8', denseKind: DenseKind): Contender => {
    return { subject: 'ossia', title, model, dense, kvBits, denseKind, results: [] };
  };
  const ossia = (...[title, ...rest]: Parameters<typeof on>): Contender[] =>
    isas.map((isa) => (isa === undefined ? on(title, ...rest) : { ...on(`${title}, ${isa}`, ...rest), isa }));
  return paths.flatMap((path): Contender[] => {
    if (!path.endsWith('.gguf')) {
      return [...ossia('Ossia, bf16', path, 'keep', 'bf16'), ...ossia('Ossia, q8', path, 'q8', 'q8')];
    }
    const others: Contender[] = [];
    if (hasPeer) others.push({ ...on(PEER, path, 'keep', 'q8_0'), subject: 'llama.cpp' });
    if (llamaBench) others.push({ ...on(llamaBench.name, path, 'keep', 'q8_0'), subject: 'llama-bench', llamaBench });
    return [...ossia('Ossia, GGUF', path, 'keep', 'q8_0'), ...others];
  });
}

/** `NAME=PATH` or `PATH`, and flags between spaces. */
export function parseLlamaBench(text: string, flags = ''): NonNullable<Choice['llamaBench']> {
  const [, name = 'llama-bench', program] = /^(?:([^=/\\]+)=)?(.+)$/.exec(text) ?? [];
  if (program === undefined) throw new RangeError(`Expected --llama-bench to be a path or NAME=PATH, got "${text}"`);
  if (name === PEER) throw new RangeError(`Expected --llama-bench to have a name other than ${PEER}'s`);
  return { name, program, flags: flags.split(/\s+/).filter((flag) => flag !== '') };
}
