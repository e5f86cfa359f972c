import type { LlamaBench } from './llama-bench.ts';
import type { Row } from './rows.ts';

/** Something that runs the model: measured alike, whatever it is. */
export interface Subject {
  /** Version, instruction set and the like. */
  readonly description: string;
  /** KV cache of a token of a long text, where it is known. */
  readonly kvBytesPerToken?: number;
  /** Continues all prompts at once. */
  generate(prompts: readonly (readonly number[])[], count: number): Promise<Generated>;
  close(): Promise<void>;
}

export interface Generated {
  /** When the prompts were handed over. Milliseconds of `now()`. */
  readonly submitted: number;
  /** [prompts][count] when each token came. */
  readonly arrivals: readonly (readonly number[])[];
  /** [prompts][count] */
  readonly tokens: readonly (readonly number[])[];
}

/** Sampling must not choose one token for ever, as greedy decoding of random weights may: experts would stay the same. */
export const SAMPLING = { temperature: 1, topK: 40, seed: 1 };

/** What the bench asks of a process that holds one subject. */
export interface Job {
  readonly subject: 'ossia' | 'llama.cpp' | 'llama-bench';
  /** A checkpoint's path. */
  readonly model: string;
  readonly dense: 'keep' | 'q8';
  /** Ossia's. */
  readonly kvBits: 8 | 16;
  readonly threads: number;
  /** Ossia's instruction set; absent: the best. */
  readonly isa?: string;
  /** Whether Ossia makes up the keys and values of prompts instead of computing them. */
  readonly madeUp: boolean;
  readonly rows: readonly Row[];
  readonly vocabSize: number;
  /** The longest that the model has. */
  readonly contextLength: number;
  /** Other prompts for every run. */
  readonly seed: number;
  /** Where the peer is installed. */
  readonly peerFolder: string;
  /** Of `llama-bench`. */
  readonly llamaBench?: LlamaBench;
}

/** What it answers, a line for each. */
export type Report =
  | { readonly type: 'opened'; readonly description: string; readonly kvBytesPerToken?: number }
  | ({ readonly type: 'row'; readonly name: string; readonly memory: Memory } & Omit<Generated, 'tokens'> & {
        readonly distinctTokens: number;
      });

/** Bytes. */
export interface Memory {
  readonly resident: number;
  /** Of these, not pages of files; undefined where the system does not tell. */
  readonly anonymous?: number;
}

/** Milliseconds since 1970, with fractions: comparable between processes. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
