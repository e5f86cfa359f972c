import { OssiaError } from '../base/index.ts';
import { CONTROL } from './format.ts';
import type { Role, TextMessage } from './types.ts';

const ROLES: readonly string[] = ['system', 'developer', 'user', 'assistant', 'tool'] satisfies Role[];

export type OfficialHeader = Omit<TextMessage, 'content' | 'sampled'>;

/**
 * Reads a header as the official library does, misreadings included: a lone content type is taken for the recipient, a
 * second channel sticks to its neighbour. `role` is the role given to the parser, if this is the first header.
 * Throws `harmony/parse` with the official message.
 */
export function readOfficialHeader(text: string, role: Role | undefined): OfficialHeader {
  const { channel, rest } = cutChannel(text);
  const { author, words } = cutAuthor(splitWords(rest), role);
  const { recipient, contentType } = readTail(words);
  return {
    ...author,
    ...(channel === undefined ? {} : { channel }),
    ...(recipient === undefined ? {} : { recipient }),
    ...(contentType === undefined ? {} : { contentType }),
  };
}

/** A first header without `<|message|>`, read leniently: beside the channel everything is the body, its white space collapsed. */
export function readHeaderAsBody(text: string, role: Role): TextMessage {
  const { channel, rest } = cutChannel(text);
  const { author, words } = cutAuthor(splitWords(rest), role);
  return { ...author, ...(channel === undefined ? {} : { channel }), content: words.join(' ') };
}

/** The first `<|channel|>` and its value, which runs to white space or `<`. */
function cutChannel(header: string): { channel?: string; rest: string } {
  const at = header.indexOf(CONTROL.channel);
  if (at < 0) return { rest: header };
  const after = header.slice(at + CONTROL.channel.length);
  const channel = /^[^<\p{White_Space}]*/u.exec(after)![0];
  if (channel === '') {
    throw new OssiaError('harmony/parse', 'channel marker present but no channel value found in header');
  }
  return { channel, rest: header.slice(0, at) + after.slice(channel.length) };
}

function splitWords(rest: string): string[] {
  const trimmed = rest.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, '');
  return trimmed
    .replaceAll(CONTROL.constrain, ` ${CONTROL.constrain}`)
    .split(/[ \t\n\f\r]+/)
    .filter((word) => word !== '');
}

function cutAuthor(
  words: string[],
  given: Role | undefined,
): { author: { role: Role; name?: string }; words: string[] } {
  const [first] = words;
  let author: { role: Role; name?: string };
  if (given !== undefined) {
    author = { role: given };
  } else if (first === undefined) {
    throw new OssiaError('harmony/parse', 'message header did not contain a role');
  } else if (isRole(first)) {
    author = first === 'tool' ? { role: first, name: first } : { role: first };
  } else if (words.length > 1 || first.startsWith('to=')) {
    return { author: { role: 'tool', name: first }, words: words[1] === 'tool' ? words.slice(2) : words.slice(1) };
  } else {
    throw new OssiaError('harmony/parse', `Unknown role: ${first}`);
  }
  return { author, words: first === author.role ? words.slice(1) : words };
}

function isRole(word: string): word is Role {
  return ROLES.includes(word);
}

/** One word is the recipient, two are recipient and content type, more are an error. */
function readTail(words: readonly string[]): { recipient?: string; contentType?: string } {
  const last = words.at(-1);
  if (last === undefined) return {};
  const takesOne = last.startsWith('to=') || words.length === 1;
  const extra = words.slice(0, takesOne ? -1 : -2);
  if (extra.length > 0) {
    const text = JSON.stringify(extra.join(' '));
    throw new OssiaError('harmony/parse', `unexpected tokens remaining in message header: Some(${text})`);
  }
  if (takesOne) return { recipient: last.replace(/^to=/, '') };
  return { recipient: words[0]!.replace(/^to=/, ''), contentType: last };
}
