import type { OutputToken, PromptToken } from '../net/types.ts';
import type { TracedStep } from '../state/turns.ts';

/** A run of tokens of one channel or of one message, cut into chunks that are drawn only while they can be seen. */
export interface Band {
  readonly part: 'prompt' | 'output';
  /** `user`, `assistant analysis`; of the output: the channel. */
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly chunks: readonly Chunk[];
}

/** Positions in the sequence of prompt and output: from, up to but not including. */
export interface Chunk {
  readonly from: number;
  readonly to: number;
}

/** Tokens in a chunk, about: it ends after a line break where there is one near. */
export const chunkLength = 256;

export function bandsOf(step: TracedStep): readonly Band[] {
  return [...promptBands(step.prompt), ...outputBands(step.output, step.prompt.length)];
}

/** One band for each message. */
function promptBands(tokens: readonly PromptToken[]): readonly Band[] {
  return runs(tokens, (at) => tokens[at]!.control === true && tokens[at]!.text === '<|start|>').map(([from, to]) => {
    const { role, channel } = tokens[to - 1]!;
    const label = channel ? `${role} ${channel}` : role;
    return { part: 'prompt', label, from, to, chunks: chunks(tokens, from, to, 0) };
  });
}

function outputBands(tokens: readonly OutputToken[], offset: number): readonly Band[] {
  return runs(tokens, (at) => tokens[at]!.channel !== tokens[at - 1]!.channel).map(([from, to]) => {
    const label = tokens[from]!.channel;
    return { part: 'output', label, from: from + offset, to: to + offset, chunks: chunks(tokens, from, to, offset) };
  });
}

function runs(tokens: readonly unknown[], beginsAt: (at: number) => boolean): readonly (readonly [number, number])[] {
  const found: [number, number][] = [];
  let from = 0;
  for (let at = 1; at <= tokens.length; at++) {
    if (at < tokens.length && !beginsAt(at)) continue;
    found.push([from, at]);
    from = at;
  }
  return found;
}

function chunks(
  tokens: readonly { readonly text: string }[],
  from: number,
  to: number,
  offset: number,
): readonly Chunk[] {
  const found: Chunk[] = [];
  let start = from;
  while (start < to) {
    const end = to - start <= chunkLength * 1.5 ? to : breakNear(tokens, start + chunkLength);
    found.push({ from: start + offset, to: end + offset });
    start = end;
  }
  return found;
}

/** After the first line break of the 64 tokens from here on; without one, here. */
function breakNear(tokens: readonly { readonly text: string }[], at: number): number {
  for (let index = at; index < at + 64; index++) {
    if (tokens[index - 1]?.text.endsWith('\n')) return index;
  }
  return at;
}

/** The text of a token with what is invisible made visible: `↵`, `⇥`, and `·` for spaces. */
export function visible(text: string, dots: boolean): string {
  let shown = text.replaceAll('\t', '⇥\t').replaceAll('\r', '␍').replaceAll('\n', '↵\n');
  if (dots || /^ +$/.test(text)) shown = shown.replaceAll(' ', '·');
  return shown === '' ? '∅' : shown.replace(/[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, codePoint);
}

function codePoint(character: string): string {
  return `⟨U+${character.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
