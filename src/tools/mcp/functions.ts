import type { Tool as SdkTool } from '@modelcontextprotocol/sdk/types.js';
import { compileSchema } from '../../grammar/index.ts';
import type { ToolFunction } from '../types.ts';
import { plain } from './lines.ts';

/** A function of a server, as the model gets to see it. */
export interface McpFunction extends ToolFunction {
  /** What the server calls it. */
  readonly original: string;
  /** As the server says; nothing holds it to that. */
  readonly readOnly: boolean;
}

const MAX_NAME = 64;
const MAX_DESCRIPTION = 4000;
const MAX_SCHEMA = 32_000;
/** Milliseconds after which no more schemas of a list are looked at: they would take as long again in every turn. */
const MAX_COMPILE_MS = 1_000;

/**
 * Takes what a server lists to functions with names that a model can write, unique in it. What cannot be used is left out, and a
 * schema that says nothing usable is left away; both are told to `log`.
 */
export function toFunctions(
  listed: readonly SdkTool[],
  log: (line: string) => void,
  maxCompileMs = MAX_COMPILE_MS,
): readonly McpFunction[] {
  const started = performance.now();
  const names = new Set<string>();
  const originals = new Set<string>();
  return listed.flatMap((tool) => {
    if (originals.has(tool.name)) {
      log(`lists ${plain(tool.name, MAX_NAME)} twice: the second is left out`);
      return [];
    }
    if (tool.execution?.taskSupport === 'required') {
      log(`${plain(tool.name, MAX_NAME)} runs only as a task, which is not supported: it is left out`);
      return [];
    }
    originals.add(tool.name);
    const name = unique(cleanName(tool.name), names);
    names.add(name);
    const description = (tool.description ?? tool.title ?? '').slice(0, MAX_DESCRIPTION).toWellFormed();
    const isLate = performance.now() - started > maxCompileMs;
    if (isLate) log(`the schema of ${plain(tool.name, MAX_NAME)} is left away: those before it took too long`);
    const parameters = isLate ? undefined : usableSchema(tool, log);
    return [
      {
        name,
        original: tool.name,
        readOnly: tool.annotations?.readOnlyHint === true,
        ...(description === '' ? {} : { description }),
        ...(parameters === undefined ? {} : { parameters }),
      },
    ];
  });
}

/** `files.read/text` → `files_read_text`. */
export function cleanName(name: string): string {
  const clean = name.replace(/[^a-zA-Z0-9_-]+/g, '_').slice(0, MAX_NAME);
  return /[a-zA-Z0-9]/.test(clean) ? clean : 'function';
}

function unique(name: string, taken: ReadonlySet<string>): string {
  for (let count = 2, candidate = name; ; count++) {
    if (!taken.has(candidate)) return candidate;
    const suffix = `_${count}`;
    candidate = `${name.slice(0, MAX_NAME - suffix.length)}${suffix}`;
  }
}

/** As the server gave it, if the model can be held to it. */
function usableSchema({ name, inputSchema }: SdkTool, log: (line: string) => void): unknown {
  const size = JSON.stringify(inputSchema).length;
  if (size > MAX_SCHEMA) {
    log(`the schema of ${plain(name, MAX_NAME)} has ${size} characters, more than ${MAX_SCHEMA}: it is left away`);
    return undefined;
  }
  try {
    compileSchema(inputSchema);
    return inputSchema;
  } catch (error) {
    log(`the schema of ${plain(name, MAX_NAME)} is left away: ${plain((error as Error).message, 300)}`);
    return undefined;
  }
}
