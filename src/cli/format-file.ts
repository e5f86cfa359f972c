import { readFileSync } from 'node:fs';
import type { JsonValue } from '../harmony/index.ts';
import { type ChatOptions, parseJson } from '../index.ts';
import { usage } from './failure.ts';

const FORM = 'Write a JSON Schema, or {"name", "schema", "strict"} as OpenAI\'s APIs have it';

/** What `--response-format` names: `json` for any JSON object, or a file with the schema of the answer. */
export function readResponseFormat(argument: string): NonNullable<ChatOptions['responseFormat']> {
  if (argument === 'json') return 'json_object';
  let parsed: JsonValue;
  try {
    parsed = parseJson(readFileSync(argument, 'utf8'));
  } catch (cause) {
    throw usage(`Cannot read a response format from "${argument}": ${(cause as Error).message}`, FORM);
  }
  if (!(parsed instanceof Map)) throw usage(`Cannot use "${argument}" as a response format: it is no object`, FORM);
  const inner = parsed.get('json_schema');
  const source = inner instanceof Map ? inner : parsed;
  const schema = source.get('schema');
  if (!(schema instanceof Map)) return { name: 'answer', schema: parsed };
  const [name, description, strict] = [source.get('name'), source.get('description'), source.get('strict')];
  return {
    name: typeof name === 'string' ? name : 'answer',
    schema,
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof strict === 'boolean' ? { strict } : {}),
  };
}
