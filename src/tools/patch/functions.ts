import { z } from 'zod';
import type { ToolFunction } from '../types.ts';

/** The arguments of each function, and what the model reads of it. */
export const schemas = {
  apply_patch: z.object({ input: z.string() }),
  read_file: z.object({
    path: z.string(),
    first_line: z.int().min(1).default(1),
    lines: z.int().min(1).default(500),
  }),
  list_files: z.object({ path: z.string().default('.'), depth: z.int().min(1).max(20).default(3) }),
  search_text: z.object({
    query: z.string().min(1),
    path: z.string().default('.'),
    match_case: z.boolean().default(false),
  }),
} as const;

const PATCH = `Changes files. The input is a patch:

*** Begin Patch
*** Update File: src/app.py
@@ def greet():
 a line before the change
-print("Hi")
+print("Hello")
*** Add File: hello.txt
+Every line of a new file
*** Delete File: obsolete.txt
*** End Patch

Paths are relative. "*** Move to: new/path" after "*** Update File:" renames. Lines begin with " " (context), "-" or "+"; give three \
lines of context around a change, and "@@" with the line of a class or function where that is not unique. All of the patch is \
applied, or none.`;

/** What is offered to the model. */
export const functions: readonly ToolFunction[] = [
  {
    name: 'apply_patch',
    description: PATCH,
    parameters: object({ input: { type: 'string', description: 'The whole patch' } }, ['input']),
  },
  {
    name: 'read_file',
    description: 'Reads lines of a text file.',
    parameters: object(
      {
        path: { type: 'string' },
        first_line: { type: 'integer', description: 'From 1. Default: 1' },
        lines: { type: 'integer', description: 'How many. Default, and at most: 500' },
      },
      ['path'],
    ),
  },
  {
    name: 'list_files',
    description: 'Lists files and folders.',
    parameters: object(
      {
        path: { type: 'string', description: 'A folder. Default: all' },
        depth: { type: 'integer', description: 'How many levels. Default: 3' },
      },
      [],
    ),
  },
  {
    name: 'search_text',
    description: 'Finds the lines of all files that contain a text.',
    parameters: object(
      {
        query: { type: 'string', description: 'The text as it is, no pattern' },
        path: { type: 'string', description: 'A folder or a file. Default: all' },
        match_case: { type: 'boolean', description: 'Default: false' },
      },
      ['query'],
    ),
  },
];

function object(properties: Record<string, unknown>, required: readonly string[]): unknown {
  return { type: 'object', properties, required, additionalProperties: false };
}
