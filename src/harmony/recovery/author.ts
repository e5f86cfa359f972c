import { CONTROL } from '../format.ts';
import { CHANNELS, readChannel } from './channel.ts';
import type { HeaderEnding } from './header.ts';
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

const OTHER_ROLES = ['system', 'developer', 'user', 'tool'] as const;

/** Reads the author at the start of a header. */
export function readAuthor(
  header: HeaderText,
  origin: HeaderOrigin,
  ending: HeaderEnding,
  toolset: Toolset,
): ReadAuthor {
  const assistants = readAssistant(header, origin, ending);
  if (assistants.count > 0) {
    const isDouble = assistants.count > (origin === 'prompt' ? 0 : 1);
    return assistant(assistants.end, isDouble ? [repair('duplicate-role')] : []);
  }
  if (origin === 'prompt') return assistant(0, []);

  const start = header.skipSpace(0);
  const word = header.wordAt(start);
  const end = start + word.length;
  const isRole = OTHER_ROLES.some((role) => word === role || word.startsWith(`${role}:`));
  if (isRole && (origin === 'start' || isFollowedByField(header, end, ending))) {
    return { author: { kind: 'foreign', name: word }, end, repairs: [] };
  }
  const isTool = isToolWord(word, toolset);
  if (isTool && origin === 'start' && (ending === 'message' || isFollowedByArguments(header, end))) {
    return { author: { kind: 'tool', name: word }, end, repairs: [] };
  }
  if (isFollowedByField(header, end, 'stop')) {
    if (isTool) return { author: { kind: 'tool', name: word }, end, repairs: [] };
    const isResult = origin === 'start' && word !== '' && /^\s*to=assistant(?![\w.])/.test(header.textAt(end));
    if (isResult) return { author: { kind: 'foreign', name: word }, end, repairs: [] };
  }
  return assistant(start === header.text.length ? 0 : start, origin === 'start' ? [repair('missing-role')] : []);
}

function assistant(end: number, repairs: readonly Repair[]): ReadAuthor {
  return { author: { kind: 'assistant' }, end, repairs };
}

/** Any number of `assistant` in a row, as long as a header could go on behind it. */
function readAssistant(header: HeaderText, origin: HeaderOrigin, ending: HeaderEnding): { count: number; end: number } {
  let count = 0;
  let end = 0;
  for (;;) {
    const at = header.skipSpace(end);
    if (!header.textAt(at).startsWith('assistant')) return { count, end };
    const behind = at + 'assistant'.length;
    if (!endsRoleWord(header.textAt(behind))) return { count, end };
    // Behind <|start|> the first word is the author whatever follows; elsewhere it may be the first word of an answer.
    if (!(origin === 'start' && count === 0) && !isFollowedByField(header, behind, ending)) return { count, end };
    count++;
    end = behind;
  }
}

/** Whether text behind a role word leaves it a word: no letters, or the next field glued to it. */
export function endsRoleWord(after: string): boolean {
  return !/^[\p{L}\p{N}_-]/u.test(after) || /^(?:assistant|to=)/.test(after) || readChannel(after) !== undefined;
}

function isFollowedByField(header: HeaderText, end: number, ending: HeaderEnding): boolean {
  const at = header.skipSpace(end);
  if (at === header.text.length) return ending === 'message';
  if (header.controlAt(at) !== undefined) return true;
  const rest = header.textAt(at);
  if (/^(?:to=|assistant)/.test(rest)) return true;
  return readChannel(rest)?.isExact === true;
}

/** Whether arguments follow at once: `bash {"command":…`. */
function isFollowedByArguments(header: HeaderText, end: number): boolean {
  return /^(?:(?:json|code)\s*)?[{[]/.test(header.textAt(header.skipSpace(end)));
}

/**
 * Whether `<|start|>` and this text, inside a body, open a message: when a role, a tool or at once the channel follows.
 * `control` is the token behind the text, if that is closed. Undefined: more has to come to tell.
 */
export function opensMessage(
  text: string,
  isClosed: boolean,
  control: string | undefined,
  toolset: Toolset,
): boolean | undefined {
  if (text === '') return isClosed ? control === CONTROL.channel : undefined;
  const word = text.trimStart();
  if (word !== text) {
    if (isClosed) return word.trimEnd() === 'assistant' && goesOnHeader(control);
    return text.length < 2 * 'assistant'.length && 'assistant'.startsWith(word) ? undefined : false;
  }
  return opensWithName(text, isClosed, toolset);
}

function opensWithName(text: string, isClosed: boolean, toolset: Toolset): boolean | undefined {
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
    // A dot or a quote behind `user` is the prose of a text that explains the format.
    if (/^[\s:]/.test(after)) return true;
  }
  return false;
}

/**
 * Whether `<|channel|>` and this text, inside a body, open a message: with a channel word as it should be, or with one that
 * is misspelt when a header goes on behind it.
 */
export function opensChannel(text: string, isClosed: boolean, control: string | undefined): boolean | undefined {
  const word = /^[a-z]*/.exec(text)![0];
  if (word === text && !isClosed) {
    return CHANNELS.some((channel) => channel.startsWith(word)) ? undefined : false;
  }
  const read = readChannel(text);
  if (read?.isExact) return true;
  const misspelt = readChannel(text.trimStart());
  if (misspelt === undefined) return isClosed || !couldBeChannel(text) ? false : undefined;
  const after = text.trimStart().slice(misspelt.length);
  if (/^\s*to=/.test(after)) return true;
  if (isClosed) return after.trim() === '' && goesOnHeader(control);
  return /^\s{0,8}(?:t(?:o)?)?$/.test(after) ? undefined : false;
}

/** Whether text behind `<|channel|>` may yet become a misspelt channel: ` fin`, `––`. */
function couldBeChannel(text: string): boolean {
  const letters = /^[^\p{L}\p{N}<]{0,8}(\p{L}*)$/u.exec(text)?.[1]?.toLowerCase();
  return letters !== undefined && CHANNELS.some((channel) => channel.startsWith(letters));
}

function goesOnHeader(control: string | undefined): boolean {
  return control === CONTROL.message || control === CONTROL.channel || control === CONTROL.constrain;
}

/** The control tokens that can stand in a body and open the next message. */
export const OPENERS: readonly string[] = [CONTROL.start, CONTROL.channel];
