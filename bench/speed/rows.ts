/** What to measure. Each is one call of `Subject.generate`. */
export interface Row {
  readonly name: string;
  readonly kind: 'start' | 'prefill' | 'decode' | 'streams';
  /** For people. */
  readonly title: string;
  /** Tokens of each prompt; there are as many streams. */
  readonly prompts: readonly number[];
  /** Tokens to generate after each. */
  readonly count: number;
}

/** Tokens of the prompts of streams, and of the first prompt of all. */
const SHORT = 8;
const STREAM_TOKENS = 32;

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
export const longRows = ['prefill8192', 'decode32768'];

/** A row by name: `start`, or `prefill`, `decode` or `streams` and a number. `decodeTokens` are generated in rows of decoding. */
export function parseRow(name: string, decodeTokens: number): Row {
  const [, kind, digits] = /^(start|prefill|decode|streams)(\d*)$/.exec(name) ?? [];
  const number = Number(digits);
  const shown = number.toLocaleString('en');
  if (kind === 'start' && digits === '') {
    return { name, kind, title: `start to first token`, prompts: [SHORT], count: 1 };
  }
  if (kind === 'prefill' && number > 0) {
    return { name, kind, title: `prefill of ${shown} tokens`, prompts: [number], count: 1 };
  }
  if (kind === 'decode' && digits !== '') {
    const title = number === 0 ? 'decode, empty context' : `decode after ${shown} tokens`;
    return { name, kind, title, prompts: [Math.max(1, number)], count: decodeTokens + 1 }; // the first ends the prefill
  }
  if (kind === 'streams' && number > 0) {
    const prompts = Array.from({ length: number }, () => SHORT);
    const title = number === 1 ? 'decode of 1 stream' : `decode of ${shown} streams together`;
    return { name, kind, title, prompts, count: STREAM_TOKENS + 1 };
  }
  throw new RangeError(`No row "${name}": they are ${[...usualRows, ...longRows].join(', ')}, or with other numbers`);
}

/** Ordinary tokens, different for every seed and never one repeated: experts must be chosen as by a text. */
export function randomPrompt(length: number, seed: number): number[] {
  let state = Math.imul(seed, 0x9e3779b9) ^ 0x2545f491;
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return 1000 + Math.floor(((state >>> 0) / 2 ** 32) * 150_000);
  });
}
