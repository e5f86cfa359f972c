/** The model asked for something that cannot be: the text tells it what to do. */
export class UsageError extends Error {}

export interface SearchArguments {
  readonly query: string;
  readonly topn: number;
}

export interface OpenArguments {
  /** Of a link, or an address; undefined to stay on the page. */
  readonly id: number | string | undefined;
  /** Undefined for the latest page. */
  readonly cursor: number | undefined;
  readonly loc: number | undefined;
  readonly numLines: number;
  readonly viewSource: boolean;
}

export interface FindArguments {
  readonly pattern: string;
  readonly cursor: number | undefined;
}

export function searchArguments(text: string): SearchArguments {
  const fields = readObject(text, '{"query": "words to look for"}');
  const query = stringField(fields, 'query', '{"query": "words to look for"}');
  return { query, topn: numberField(fields, 'topn') ?? numberField(fields, 'top_n') ?? 10 };
}

export function openArguments(text: string): OpenArguments {
  const fields = readObject(text, '{"id": 3} for a link of the latest page, or {"id": "https://example.com"}');
  const { id } = fields;
  const isAddress = typeof id === 'string' && !/^\s*-?\d+\s*$/.test(id);
  if (id !== undefined && id !== null && typeof id !== 'number' && typeof id !== 'string') {
    throw new UsageError('`id` is the number of a link, or an address as a string');
  }
  return {
    id: isAddress ? id.trim() : numberField(fields, 'id'),
    cursor: numberField(fields, 'cursor'),
    loc: numberField(fields, 'loc'),
    numLines: numberField(fields, 'num_lines') ?? -1,
    viewSource: fields.view_source === true,
  };
}

export function findArguments(text: string): FindArguments {
  const fields = readObject(text, '{"pattern": "text to find"}');
  return {
    pattern: stringField(fields, 'pattern', '{"pattern": "text to find"}'),
    cursor: numberField(fields, 'cursor'),
  };
}

function readObject(text: string, example: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = text.trim() === '' ? {} : JSON.parse(text);
  } catch {
    throw new UsageError(`The arguments are not JSON. Call it with an object like ${example}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new UsageError(`The arguments are not a JSON object. Call it with one like ${example}`);
  }
  return value as Record<string, unknown>;
}

function stringField(fields: Record<string, unknown>, name: string, example: string): string {
  const value = fields[name];
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.trim() === '')
    throw new UsageError(`\`${name}\` is missing. Call it with ${example}`);
  if (text.length > maxText) throw new UsageError(`\`${name}\` is longer than ${maxText} characters: shorten it`);
  return text.trim();
}

const maxText = 4000;

/** A whole number; undefined when it is missing or less than 0, which is how the model leaves it out. */
function numberField(fields: Record<string, unknown>, name: string): number | undefined {
  const value = fields[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new UsageError(`\`${name}\` has to be a number`);
  return number < 0 ? undefined : Math.trunc(number);
}
