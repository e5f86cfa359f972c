import { readFileSync } from 'node:fs';
import { usage } from './failure.ts';

/** A function that the model may call. */
export interface DeclaredTool {
  readonly name: string;
  readonly description?: string;
  /** JSON Schema of the arguments. */
  readonly parameters?: unknown;
}

const FORM =
  'Write a list of {"name", "description", "parameters"}, or OpenAI\'s {"type": "function", "function": {…}}';

/**
 * Reads a file of function declarations: a list (or one, or `{"tools": […]}`) of `{name, description, parameters}`,
 * or of the forms of OpenAI's APIs, `{type: 'function', function: {…}}` and `{type: 'function', name, …}`.
 */
export function readToolsFile(path: string, parseJson: (text: string) => unknown): DeclaredTool[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw usage(`Cannot read tools from "${path}": ${(cause as Error).message}`, 'Check the path given to --tools');
  }
  let parsed: unknown;
  try {
    parsed = parseJson(text);
  } catch (cause) {
    throw usage(`Cannot read tools from "${path}": it is no valid JSON (${(cause as Error).message})`, FORM);
  }
  const list = Array.isArray(parsed)
    ? parsed
    : isObject(parsed) && Array.isArray(parsed.tools)
      ? parsed.tools
      : [parsed];
  return list.map((entry: unknown, index) => toDeclaration(entry, `entry ${index} of "${path}"`));
}

function toDeclaration(entry: unknown, where: string): DeclaredTool {
  if (!isObject(entry)) throw usage(`Cannot use ${where} as a function: found ${JSON.stringify(entry)}`, FORM);
  if (entry.type !== undefined && entry.type !== 'function') {
    throw usage(`Cannot use ${where}: its type is ${JSON.stringify(entry.type)}, and only functions are known`, FORM);
  }
  const source = isObject(entry.function) ? entry.function : entry;
  const { name, description, parameters } = source;
  if (typeof name !== 'string' || !/^[\w.-]{1,128}$/.test(name)) {
    throw usage(`Cannot use ${where} as a function: its name is ${JSON.stringify(name)}`, FORM);
  }
  if (description !== undefined && typeof description !== 'string') {
    throw usage(`Cannot use ${where} ("${name}"): its description is no text`, FORM);
  }
  if (parameters !== undefined && parameters !== null && !isObject(parameters)) {
    throw usage(`Cannot use ${where} ("${name}"): its parameters are no JSON Schema`, FORM);
  }
  return {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined || parameters === null ? {} : { parameters }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
