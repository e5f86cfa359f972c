import { CONTROL } from '../format.ts';
import { readChannel } from './channel.ts';
import type { HeaderText } from './header-text.ts';
import { isToolWord, type Toolset, toolWords } from './recipient.ts';
import { type Repair, repair } from './repairs.ts';

/** What opened a header: the prompt, a `<|start|>`, or nothing. */
export type HeaderOrigin = 'prompt' | 'start' | 'nothing';

export type Author =
  | { readonly kind: 'assistant' }
  /** Another's name: the message is not the assistant's to write. */
  | { readonly kind: 'foreign'; readonly name: string }
  /** A tool's name: its result, or a call of it with the name in the wrong place. */
  | { readonly kind: 'tool'; readonly name: string };

export interface ReadAuthor {
  readonly author: Author;
  /** Where the rest of the header begins. */
  readonly end: number;
  readonly repairs: readonly Repair[];
}

/** White space beyond this does not stand between an author and `to=`. */
const MAX_GAP = 16;

const OTHER_ROLES = ['system', 'developer', 'user', 'tool'] as const;

/** Reads the author at the start of a header. */
export function readAuthor(header: HeaderText, origin: HeaderOrigin, toolset: Toolset): ReadAuthor {
  const assistants = readAssistant(header, origin);
  if (assistants.count > 0) {
    const isDouble = assistants.count > (origin === 'prompt' ? 0 : 1);
    return assistant(assistants.end, isDouble ? [repair('duplicate-role')] : []);
  }
  if (origin === 'prompt') return assistant(0, []);

  const start = header.skipSpace(0);
  const word = header.wordAt(start);
  const end = start + word.length;
  const isRole = OTHER_ROLES.some((role) => word === role || word.startsWith(`${role}:`));
  if (isRole && (origin === 'start' || isFollowedByField(header, end))) {
    return { author: { kind: 'foreign', name: word }, end, repairs: [] };
  }
  if (isFollowedByField(header, end)) {
    if (isToolWord(word, toolset)) return { author: { kind: 'tool', name: word }, end, repairs: [] };
    const isResult = origin === 'start' && word !== '' && /^\s*to=assistant(?![\w.])/.test(header.textAt(end));
    if (isResult) return { author: { kind: 'foreign', name: word }, end, repairs: [] };
  }
  return assistant(start === header.text.length ? 0 : start, origin === 'start' ? [repair('missing-role')] : []);
}

function assistant(end: number, repairs: readonly Repair[]): ReadAuthor {
  return { author: { kind: 'assistant' }, end, repairs };
}

/** Any number of `assistant` in a row, as long as a header could go on behind it. */
function readAssistant(header: HeaderText, origin: HeaderOrigin): { count: number; end: number } {
  let count = 0;
  let end = 0;
  for (;;) {
    const at = header.skipSpace(end);
    if (!header.textAt(at).startsWith('assistant')) return { count, end };
    const behind = at + 'assistant'.length;
    if (!endsRoleWord(header.textAt(behind))) return { count, end };
    // Behind <|start|> the first word is the author whatever follows; elsewhere it may be the first word of an answer.
    if (!(origin === 'start' && count === 0) && !isFollowedByField(header, behind)) return { count, end };
    count++;
    end = behind;
  }
}

/** Whether text behind a role word leaves it a word: no letters, or the next field glued to it. */
export function endsRoleWord(after: string): boolean {
  return !/^[\p{L}\p{N}_-]/u.test(after) || /^(?:assistant|to=)/.test(after) || readChannel(after) !== undefined;
}

function isFollowedByField(header: HeaderText, end: number): boolean {
  const at = header.skipSpace(end);
  if (header.controlAt(at) !== undefined) return true;
  const rest = header.textAt(at);
  if (/^(?:to=|assistant)/.test(rest)) return true;
  return readChannel(rest)?.isExact === true;
}

/** Whether `<|start|>` and this text, inside a body, open a message. Undefined: more has to come to tell. */
export function opensMessage(text: string, isClosed: boolean, toolset: Toolset): boolean | undefined {
  if (text === '') return isClosed ? false : undefined;
  const functionName = /^functions\.\S{0,100}/.exec(text)?.[0]; // declared or not: no ordinary word
  const words = ['assistant', ...OTHER_ROLES, 'functions.', ...toolWords(toolset)];
  for (const word of functionName === undefined ? words : [functionName]) {
    if (!text.startsWith(word)) {
      if (!isClosed && word.startsWith(text)) return undefined;
      continue;
    }
    const after = text.slice(word.length);
    if (after === '') return isClosed ? true : undefined;
    if (word === 'assistant' && endsRoleWord(after)) return true;
    if (/^:|^\s+to=/.test(after)) return true;
    // A tool's name, or `user`, may be an ordinary word of a text that explains the format.
    if (after.length < MAX_GAP && /^\s+(?:t(?:o)?)?$/.test(after)) return isClosed ? /^\s+$/.test(after) : undefined;
  }
  return false;
}

/** Whether `<|channel|>` and this text, inside a body, open a message: only with a channel word as it should be. */
export function opensChannel(text: string, isClosed: boolean): boolean | undefined {
  const word = /^[a-z]*/.exec(text)![0];
  if (word === text && !isClosed) {
    return ['analysis', 'commentary', 'final'].some((channel) => channel.startsWith(word)) ? undefined : false;
  }
  return readChannel(text)?.isExact ?? false;
}

/** The control tokens that can stand in a body and open the next message. */
export const OPENERS: readonly string[] = [CONTROL.start, CONTROL.channel];
