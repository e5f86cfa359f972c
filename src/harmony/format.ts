import { OssiaError } from '../base/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';

/** The control tokens of the format by name. Their ids belong to the vocabulary: ossia-nano has others than gpt-oss. */
export const CONTROL = {
  start: '<|start|>',
  message: '<|message|>',
  channel: '<|channel|>',
  constrain: '<|constrain|>',
  end: '<|end|>',
  call: '<|call|>',
  return: '<|return|>',
} as const;

export const END_OF_TEXT = '<|endoftext|>';

export type ControlName = keyof typeof CONTROL;
export type ControlIds = Readonly<Record<ControlName, number>>;

const known = new WeakMap<Tokenizer, ControlIds>();

/** The ids of the control tokens in this vocabulary. Throws `tokenizer/bad-vocabulary` when one is missing. */
export function controlIds(tokenizer: Tokenizer): ControlIds {
  const found = known.get(tokenizer);
  if (found) return found;
  const ids = Object.fromEntries(
    Object.entries(CONTROL).map(([key, name]) => {
      const id = tokenizer.specials.get(name);
      if (id === undefined) {
        throw new OssiaError('tokenizer/bad-vocabulary', `Cannot use this vocabulary for Harmony: it has no ${name}`);
      }
      return [key, id];
    }),
  ) as unknown as ControlIds;
  known.set(tokenizer, ids);
  return ids;
}

/** `<|end|>`, `<|call|>`, `<|return|>`: each ends a message. */
export function isStop(id: number, ids: ControlIds): boolean {
  return id === ids.end || id === ids.call || id === ids.return;
}

/** The ids at which sampling stops: `<|return|>`, `<|call|>`, and `<|endoftext|>` where the vocabulary has it. */
export function stopIds(tokenizer: Tokenizer): number[] {
  const ids = controlIds(tokenizer);
  const endOfText = tokenizer.specials.get(END_OF_TEXT);
  return [ids.return, ids.call, ...(endOfText === undefined ? [] : [endOfText])];
}
