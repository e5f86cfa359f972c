import { member } from '../json.ts';
import { isJson, scanJson } from './json-scanner.ts';
import { type Repair, repair } from './repairs.ts';

/** More openings of an object than this inside text that is no JSON are not looked at: the search stays linear. */
const MAX_CANDIDATES = 64;

export interface CleanArguments {
  readonly content: string;
  readonly repairs: readonly Repair[];
  readonly isIncomplete: boolean;
}

/** Whether a function takes plain text (a patch, a script) and its arguments are therefore left alone. */
export function takesText(schema: unknown): boolean {
  const type = member(schema, 'type');
  return type === 'string' || (Array.isArray(type) && type.includes('string'));
}

/**
 * What a function is called with: valid JSON as it is; a fence, a list around the one object and text around the one
 * complete object are removed; anything else stays as it is, and is named. Never completes, never rewrites.
 *
 * A body that begins with `{` is never changed before the end of its first complete object, so it can be streamed till there.
 */
export function cleanArguments(body: string, schema: unknown, isCut: boolean): CleanArguments {
  if (takesText(schema)) return clean(body);
  if (body.trim() === '') return clean(body, repair(isCut ? 'arguments-incomplete' : 'arguments-missing'));
  if (isJson(body)) return unwrap(body, schema, []) ?? clean(body);

  const inner = unfence(body.trim());
  if (inner !== undefined && isJson(inner) && /^[{[]/.test(inner)) {
    const at = body.indexOf(inner);
    const dropped = body.slice(0, at) + body.slice(at + inner.length);
    const unfenced: Repair = { code: 'arguments-unfenced', dropped };
    return unwrap(inner, schema, [unfenced]) ?? clean(inner, unfenced);
  }
  const first = findObject(body);
  if (first?.state === 'open') return { ...clean(body, repair('arguments-incomplete')), isIncomplete: true };
  return (first && onlyObject(body, first)) ?? clean(body, repair('arguments-not-json'));
}

function clean(content: string, ...repairs: Repair[]): CleanArguments {
  return { content, repairs, isIncomplete: false };
}

/** What stands inside a code fence that is all there is, without its language. */
function unfence(text: string): string | undefined {
  if (text.length < 6 || !text.startsWith('```') || !text.endsWith('```')) return undefined;
  return text
    .slice(3, -3)
    .replace(/^[\w-]*/, '')
    .trim();
}

/** `[{…}]` → `{…}`, verbatim, unless the function takes a list. */
function unwrap(json: string, schema: unknown, before: readonly Repair[]): CleanArguments | undefined {
  const list = json.trim();
  if (!list.startsWith('[') || member(schema, 'type') === 'array') return undefined;
  const element = list.slice(1, -1).trim();
  if (!element.startsWith('{') || scanJson(element).length < element.length) return undefined;
  const at = json.indexOf(element);
  const dropped = json.slice(0, at) + json.slice(at + element.length);
  return clean(element, ...before, { code: 'arguments-unwrapped', dropped });
}

/** The first object taken out of the text around it, unless there is another. */
function onlyObject(body: string, { at, end }: FoundObject): CleanArguments | undefined {
  const leading = body.slice(0, at);
  const trailing = body.slice(end);
  if (findObject(trailing)?.state === 'complete') return undefined;
  return clean(
    body.slice(at, end),
    ...junk('arguments-leading-junk', leading),
    ...junk('arguments-trailing-junk', trailing),
  );
}

function junk(code: 'arguments-leading-junk' | 'arguments-trailing-junk', text: string): Repair[] {
  return text.trim() === '' ? [] : [{ code, detail: text.trim(), dropped: text }];
}

interface FoundObject {
  readonly at: number;
  readonly end: number;
  readonly state: 'open' | 'complete';
}

/**
 * The first object or the beginning of one, which hides what is inside it. In a body that begins with `{` only that one
 * counts: it was shown already.
 */
function findObject(text: string): FoundObject | undefined {
  const candidates = text.startsWith('{') ? 1 : MAX_CANDIDATES;
  let at = text.search(/[{[]/);
  for (let i = 0; i < candidates && at >= 0; i++) {
    const { state, length } = scanJson(text.slice(at));
    if (state !== 'invalid' && (text[at] === '{' || state === 'open')) return { at, end: at + length, state };
    const next = text.slice(at + 1).search(/[{[]/);
    at = next < 0 ? -1 : at + 1 + next;
  }
  return undefined;
}
