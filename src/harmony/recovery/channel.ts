export const CHANNELS = ['analysis', 'commentary', 'final'] as const;
export type Channel = (typeof CHANNELS)[number];

export interface ChannelWord {
  readonly channel: Channel;
  /** How many characters of the text make up the channel; what follows is no part of it. */
  readonly length: number;
  readonly isExact: boolean;
}

/** What may be glued to a channel although it is made of letters. */
const GLUED = /^(?:to=|json|code|assistant|analysis|commentary|final)/;

/**
 * The channel at the start of a text, by known word: `commentary?`, `––commentary`, `comment`, `Final`, `final__X`. A longer
 * word (`finally`) is not one.
 */
export function readChannel(text: string): ChannelWord | undefined {
  const found = /^([^\p{L}\p{N}\s<]*)(analysis|commentary|comment|final)/iu.exec(text);
  if (!found) return undefined;
  const [all, before = '', word = ''] = found;
  const after = text.slice(all.length);
  // A capital may follow a word in small letters (`analysisWe`): the model began its text there.
  const ends = word === word.toLowerCase() ? /^\p{Ll}/u : /^\p{L}/u;
  if (ends.test(after) && !GLUED.test(after)) return undefined;
  const lower = word.toLowerCase();
  const channel: Channel = lower === 'comment' ? 'commentary' : (lower as Channel);
  return { channel, length: all.length, isExact: before === '' && word === channel };
}
