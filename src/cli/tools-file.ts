import { readFileSync } from 'node:fs';
import { type JsonValue, stringifyJson } from '../harmony/index.ts';
import { parseJson } from '../index.ts';
import { usage } from './failure.ts';

/** A function that the model may call. */
export interface DeclaredTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments, with its numbers and the order of its keys as they were written. */
  readonly parameters?: JsonValue;
  /** Whether the schema has to be held exactly, or (false) need not be held. */
  readonly strict?: boolean;
}

const FORM =
  'Write a list of {"name", "description", "parameters"}, or OpenAI\'s {"type": "function", "function": {…}}';

/**
 * Reads a file of function declarations: a list (or one, or `{"tools": […]}`) of `{name, description, parameters}`,
 * or of the forms of OpenAI's APIs, `{type: 'function', function: {…}}` and `{type: 'function', name, …}`.
 */
export function readToolsFile(path: string): DeclaredTool[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw usage(`Cannot read tools from "${path}": ${(cause as Error).message}`, 'Check the path given to --tools');
  }
  let parsed: JsonValue;
  try {
    parsed = parseJson(text);
  } catch (cause) {
    throw usage(`Cannot read tools from "${path}": it is no valid JSON (${(cause as Error).message})`, FORM);
  }
  const tools = parsed instanceof Map ? parsed.get('tools') : undefined;
  const list = Array.isArray(parsed) ? parsed : Array.isArray(tools) ? tools : [parsed];
  return list.map((entry, index) => toDeclaration(entry, `entry ${index} of "${path}"`));
}

function toDeclaration(entry: JsonValue, where: string): DeclaredTool {
  if (!(entry instanceof Map)) throw usage(`Cannot use ${where} as a function: it is no object`, FORM);
  const type = entry.get('type') ?? 'function';
  if (type !== 'function')
    throw usage(`Cannot use ${where}: its type is ${show(type)}, and only functions are known`, FORM);
  const inner = entry.get('function');
  const source = inner instanceof Map ? inner : entry;
  const name = source.get('name');
  const description = source.get('description') ?? undefined;
  const parameters = source.get('parameters') ?? undefined;
  const strict = source.get('strict') ?? undefined;
  if (typeof name !== 'string' || !/^[\w.-]{1,128}$/.test(name)) {
    throw usage(`Cannot use ${where} as a function: its name is ${show(name)}`, FORM);
  }
  if (description !== undefined && typeof description !== 'string') {
    throw usage(`Cannot use ${where} ("${name}"): its description is no text`, FORM);
  }
  if (parameters !== undefined && !(parameters instanceof Map)) {
    throw usage(`Cannot use ${where} ("${name}"): its parameters are no JSON Schema`, FORM);
  }
  if (strict !== undefined && typeof strict !== 'boolean') {
    throw usage(`Cannot use ${where} ("${name}"): its strict is neither true nor false`, FORM);
  }
  return {
    name,
    ...(strict === undefined ? {} : { strict }),
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
  };
}

function show(value: JsonValue | undefined): string {
  return value === undefined ? 'missing' : stringifyJson(value);
}
