import { OssiaError } from '../../base/index.ts';
import type { ToolCall } from '../../chat/index.ts';

/** What newer engines pass to a reviver, and what they make of a number's own text; absent before Node 21. */
interface RawJson {
  rawJSON?(text: string): unknown;
}

/**
 * A call's arguments as the object that Ollama sends, each number with all its digits where the runtime can keep them. Throws
 * `api/malformed-call` when they are no object.
 */
export function argumentsObject({ name, arguments: text }: ToolCall): object {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text, keepDigits);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // the same error, below
  }
  throw new OssiaError('api/malformed-call', `Cannot send the call of "${name}": its arguments are no JSON object`);
}

function keepDigits(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  const { rawJSON } = JSON as RawJson;
  if (typeof value !== 'number' || context?.source === undefined || rawJSON === undefined) return value;
  return Number.isInteger(value) && !Number.isSafeInteger(value) ? rawJSON(context.source) : value;
}

/** The same text for the same arguments, however they are written: sorted keys, no spaces. */
export function canonicalArguments(text: string): string {
  try {
    return canonical(JSON.parse(text.trim() === '' ? '{}' : text));
  } catch {
    return text;
  }
}

function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(',')}}`;
}
