import { type ScriptedTurn, type ScriptOptions, scriptedModel } from '../../src/chat/testing.ts';
import { o200kHarmony } from '../../src/tokenizer/index.ts';
import type { Citation, Tool, ToolResult } from '../../src/tools/index.ts';

/** Turns that a scripted model writes, and tools for them. */

export const think = (text: string) => `<|channel|>analysis<|message|>${text}<|end|><|start|>assistant`;
export const say = (text: string) => `<|channel|>final<|message|>${text}<|return|>`;
export const callTo = (name: string, args: object) =>
  `<|channel|>commentary to=functions.${name} <|constrain|>json<|message|>${JSON.stringify(args)}<|call|>`;
export const python = (code: string) => `<|channel|>analysis to=python code<|message|>${code}<|call|>`;

const tokenizer = o200kHarmony();

export function scripted(turns: readonly ScriptedTurn[], options: ScriptOptions = {}) {
  return scriptedModel(tokenizer, turns, { contextLength: 131_072, ...options });
}

/** A red dot of one pixel. */
const DOT = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';

/** Runs nothing: says what a Python would, and shows a picture. */
export function pythonTool(): Tool {
  return {
    name: 'python',
    builtin: 'python',
    call: async ({ arguments: source, progress }): Promise<ToolResult> => {
      progress?.('step 1\n');
      return {
        text: '42\n',
        images: [{ mediaType: 'image/png', base64: DOT }],
        action: { type: 'code', source, output: '42\n' },
      };
    },
    close: async () => {},
  };
}

/** Writes files, as far as it says, and asks before. */
export function filesTool(): Tool & { readonly calls: string[] } {
  const calls: string[] = [];
  return {
    name: 'mcp:files',
    calls,
    functions: async () => [
      {
        name: 'write_file',
        description: 'Writes a file',
        parameters: { type: 'object', properties: { path: { type: 'string' } } },
      },
    ],
    needsApproval: () => true,
    call: async ({ arguments: text }): Promise<ToolResult> => {
      calls.push(text);
      return { text: 'Written.', action: { type: 'mcp', server: 'files', tool: 'write_file' } };
    },
    close: async () => {},
  };
}

const PAGE = { url: 'https://example.org/penguins', title: 'On penguins' };

/** Finds one page, whatever is searched. */
export function browserTool(): Tool {
  return {
    name: 'browser',
    builtin: 'browser',
    reachesOut: true,
    call: async ({ arguments: text }): Promise<ToolResult> => {
      const { query } = JSON.parse(text) as { readonly query: string };
      const hostile = { url: 'javascript:alert(1)', title: 'A page that is none' };
      return { text: 'L0: Penguins live in the south.', action: { type: 'search', query, results: [PAGE, hostile] } };
    },
    citations: (_, answer): readonly Citation[] =>
      [...answer.matchAll(/【0†L0】/g)].map(({ index, 0: text }) => ({
        ...{ text, start: index, end: index + text.length, page: PAGE },
        ...{ lines: { first: 0, last: 0 }, quote: 'Penguins live in the south.' },
      })),
    close: async () => {},
  };
}
