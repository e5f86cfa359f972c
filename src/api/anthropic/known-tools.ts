import type { ToolDeclaration } from '../../chat/index.ts';

/**
 * Tools whose schema Anthropic's models know by heart and whose calls the client carries out. A model that does not know them
 * is told: https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview
 */
export function knownTool(type: string, name: string): ToolDeclaration | undefined {
  const known = KNOWN.find(([pattern]) => pattern.test(type));
  if (known === undefined) return undefined;
  const [, description, properties, required] = known;
  return { name, description, parameters: { type: 'object', properties, required: [...required] } };
}

type KnownTool = readonly [
  type: RegExp,
  description: string,
  properties: Readonly<Record<string, object>>,
  required: readonly string[],
];

const text = (description: string) => ({ type: 'string', description });
const line = (description: string) => ({ type: 'integer', description });
const commands = (...names: string[]) => ({ type: 'string', enum: names, description: 'What to do.' });

const FILE = {
  path: text('The file or directory.'),
  file_text: text('For create: the whole file.'),
  old_str: text('For str_replace: a text that is in the file exactly once.'),
  new_str: text('For str_replace: what stands in its place.'),
  insert_line: line('For insert: the line to insert after; 0 is the beginning of the file.'),
  view_range: { type: 'array', items: { type: 'integer' }, description: 'For view: the first line and the last one.' },
};

const EDITOR = {
  ...FILE,
  new_str: text('For str_replace: what stands in its place. For insert: the text to insert.'),
};

const KNOWN: readonly KnownTool[] = [
  [
    /^bash_\d+$/,
    'Runs a command in a bash session that stays open between calls.',
    { command: text('The command.'), restart: { type: 'boolean', description: 'True, and no command: starts anew.' } },
    [],
  ],
  [
    /^text_editor_20250124$/,
    'Views and edits text files.',
    { command: commands('view', 'create', 'str_replace', 'insert', 'undo_edit'), ...EDITOR },
    ['command', 'path'],
  ],
  [
    /^text_editor_\d+$/,
    'Views and edits text files.',
    { command: commands('view', 'create', 'str_replace', 'insert'), ...EDITOR },
    ['command', 'path'],
  ],
  [
    /^memory_\d+$/,
    'Keeps notes in files below /memories, from one conversation to the next.',
    {
      command: commands('view', 'create', 'str_replace', 'insert', 'delete', 'rename'),
      ...FILE,
      insert_text: text('For insert: the text to insert.'),
      old_path: text('For rename: the path as it is.'),
      new_path: text('For rename: the path as it shall be.'),
    },
    ['command'],
  ],
];
