import { OssiaError } from '../../index.ts';

/** A request as it came: its members are read by name, whatever kind of object the JSON reader makes. */
export interface Request extends Iterable<[string, unknown]> {
  get(key: string): unknown;
}

export function badInput(message: string): OssiaError {
  return new OssiaError('cli/bad-input', message);
}

/** Parses one line, which must be a JSON object. */
export function readRequest(line: string, parse: (text: string) => unknown = JSON.parse): Request {
  let value: unknown;
  try {
    value = parse(line);
  } catch (cause) {
    throw badInput(`Cannot read the line as JSON: ${(cause as Error).message}`);
  }
  if (!isObject(value)) {
    throw badInput(`Expected a JSON object, got ${preview(value)}`);
  }
  return value instanceof Map ? value : new Map(Object.entries(value));
}

/** Reads a member that may be absent or null. `is` tells whether its value is `kind`, which the message names. */
function optional<T>(request: Request, key: string, kind: string, is: (value: unknown) => value is T): T | undefined {
  const value = request.get(key);
  if (value === undefined || value === null) return undefined;
  if (!is(value)) throw badInput(`Expected "${key}" to be ${kind}, got ${preview(value)}`);
  return value;
}

function required<T>(key: string, kind: string, value: T | undefined): T {
  if (value === undefined) throw badInput(`Expected "${key}" to be ${kind}, got nothing`);
  return value;
}

/** A list of whole numbers, such as token ids. */
export function optionalIntegers(request: Request, key: string): number[] | undefined {
  const list = optional(request, key, 'a list of whole numbers', (value): value is unknown[] => Array.isArray(value));
  return list?.map((value, index) => {
    const number = typeof value === 'object' ? Number(value) : value; // the lossless reader keeps numbers as objects
    if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
    throw badInput(`Expected "${key}"[${index}] to be a whole number of 0 or more, got ${preview(value)}`);
  });
}

export function integers(request: Request, key: string): number[] {
  return required(key, 'a list of whole numbers', optionalIntegers(request, key));
}

export function optionalTexts(request: Request, key: string): string[] | undefined {
  const isTexts = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every((text) => typeof text === 'string');
  return optional(request, key, 'a list of texts', isTexts);
}

export function optionalOneOf<T extends string>(request: Request, key: string, names: readonly T[]): T | undefined {
  const isName = (value: unknown): value is T => names.some((name) => name === value);
  return optional(request, key, names.map((name) => `"${name}"`).join(', '), isName);
}

export function optionalText(request: Request, key: string): string | undefined {
  return optional(request, key, 'a text', (value): value is string => typeof value === 'string');
}

export function optionalFlag(request: Request, key: string): boolean | undefined {
  return optional(request, key, 'true or false', (value): value is boolean => typeof value === 'boolean');
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value as a message shows it. */
export function preview(value: unknown): string {
  const shown = JSON.stringify(value) ?? String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}
