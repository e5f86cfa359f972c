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
  const scanner = scanJson(body.trimStart());
  if (scanner.state === 'open') return { ...clean(body, repair('arguments-incomplete')), isIncomplete: true };
  return onlyObject(body) ?? clean(body, repair('arguments-not-json'));
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

/** The one complete object in text that is no JSON, unless there are several. */
function onlyObject(body: string): CleanArguments | undefined {
  const at = findObject(body, body.startsWith('{') ? 1 : MAX_CANDIDATES);
  if (at === undefined) return undefined;
  const end = at + scanJson(body.slice(at)).length;
  const leading = body.slice(0, at);
  const trailing = body.slice(end);
  if (findObject(trailing, MAX_CANDIDATES) !== undefined) return undefined;
  return clean(
    body.slice(at, end),
    ...junk('arguments-leading-junk', leading),
    ...junk('arguments-trailing-junk', trailing),
  );
}

function junk(code: 'arguments-leading-junk' | 'arguments-trailing-junk', text: string): Repair[] {
  return text.trim() === '' ? [] : [{ code, detail: text.trim(), dropped: text }];
}

/** Where the first complete object begins. One that is cut short hides what is inside it. */
function findObject(text: string, candidates: number): number | undefined {
  let at = text.indexOf('{');
  for (let i = 0; i < candidates && at >= 0; i++) {
    const { state } = scanJson(text.slice(at));
    if (state === 'complete') return at;
    if (state === 'open') return undefined;
    at = text.indexOf('{', at + 1);
  }
  return undefined;
}
