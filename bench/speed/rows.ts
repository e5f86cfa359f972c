/** What to measure. Each is one call of `Subject.generate`. */
export interface Row {
  readonly name: string;
  readonly kind: 'start' | 'prefill' | 'decode' | 'depth' | 'streams' | 'mixed' | 'memory';
  /** For people. */
  readonly title: string;
  /** Tokens of each prompt; there are as many streams. */
  readonly prompts: readonly number[];
  /** Tokens to generate after each. */
  readonly count: number;
  /** Processes beside it that keep a core busy each. */
  readonly busy: number;
}

/** Prompts of streams that have little in common. */
const MIXED = [1, 129, 1025];

/** Tokens of the prompts of streams, and of the first prompt of all. */
const SHORT = 8;
const STREAM_TOKENS = 32;

/** A first prompt that nobody counts, for everyone: it touches the pages of the file that those behind it find touched. */
export const WARM_UP = 64;

export const usualRows = [
  'start',
  'prefill512',
  'prefill2048',
  'decode0',
  'decode4096',
  'streams1',
  'streams4',
  'streams16',
];
/** They take long: a peer may need half an hour for one. */
export const longRows = ['prefill8192', 'decode32768', 'memory8192', 'memory32768', 'memory131072'];

/**
 * A row by name: `start`, `mixed`, or `prefill`, `decode`, `depth`, `streams` or `memory` and a number; with `@2` behind it, the
 * same beside two busy processes. `decodeTokens` are generated in rows of decoding. `depth` is `decode` and `memory` after a prompt
 * whose keys and values were made up (made-up.ts): no peer can do that. A prompt is cut so that `contextLength` holds it and its answer.
 */
export function parseRow(name: string, decodeTokens: number, contextLength = Number.POSITIVE_INFINITY): Row {
  const [, plain, kind, digits, others] =
    /^((start|mixed|prefill|decode|depth|streams|memory)(\d*))(?:@(\d+))?$/.exec(name) ?? [];
  const row = plain === undefined ? undefined : read(kind!, digits!, decodeTokens, contextLength);
  if (row === undefined) {
    throw new RangeError(
      `No row "${name}": they are ${[...usualRows, ...longRows].join(', ')}, depth131072, mixed, or with other numbers`,
    );
  }
  const busy = Number(others ?? 0);
  return { ...row, name, busy, title: busy === 0 ? row.title : `${row.title}, beside ${busy} busy processes` };
}

function read(
  kind: string,
  digits: string,
  decodeTokens: number,
  contextLength: number,
): Omit<Row, 'name' | 'busy'> | undefined {
  const answer = kind === 'decode' || kind === 'depth' ? decodeTokens + 1 : 1; // the first ends the prefill
  const number = Math.min(Number(digits), contextLength - answer);
  const shown = number.toLocaleString('en');
  if (kind === 'start' && digits === '') return { kind, title: 'start to first token', prompts: [SHORT], count: 1 };
  if (kind === 'mixed' && digits === '') {
    return { kind, title: `streams of ${MIXED.join(', ')} tokens`, prompts: MIXED, count: STREAM_TOKENS + 1 };
  }
  if (kind === 'prefill' && number > 0) {
    return { kind, title: `prefill of ${shown} tokens`, prompts: [number], count: 1 };
  }
  if (kind === 'decode' && digits !== '') {
    const title = number === 0 ? 'decode, empty context' : `decode after ${shown} tokens`;
    return { kind, title, prompts: [Math.max(1, number)], count: answer };
  }
  if (kind === 'depth' && number > 0) {
    return { kind, title: `decode after ${shown} made-up tokens`, prompts: [number], count: answer };
  }
  if (kind === 'streams' && number > 0) {
    const prompts = Array.from({ length: number }, () => SHORT);
    const title = number === 1 ? 'decode of 1 stream' : `decode of ${shown} streams together`;
    return { kind, title, prompts, count: STREAM_TOKENS + 1 };
  }
  if (kind === 'memory' && number > 0) {
    return { kind, title: `resident after ${shown} tokens`, prompts: [number], count: 1 };
  }
  return undefined;
}

/** Ordinary tokens, different for every seed and never one repeated: experts must be chosen as by a text. */
export function randomPrompt(length: number, seed: number, vocabSize: number): number[] {
  const first = Math.min(1000, vocabSize >> 2);
  const count = Math.min(150_000, Math.floor(vocabSize * 0.9) - first); // control tokens come last
  let state = Math.imul(seed, 0x9e3779b9) ^ 0x2545f491;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return first + Math.floor(((state >>> 0) / 2 ** 32) * count);
  });
}
