import { z } from 'zod';
import type { PatchedFile, Tool, ToolFunction, ToolRequest, ToolResult } from '../types.ts';
import { applyPatch } from './apply.ts';
import { Folder } from './folder.ts';
import { PatchError } from './format.ts';
import { functions, schemas } from './functions.ts';
import { listFiles, readLines, searchText } from './look.ts';

export interface PatchOptions {
  /** The only folder that is read and changed. */
  readonly folder: string;
  /** Whether a person has to agree before files change. Reading needs no agreement. Default `ask`. */
  readonly approve?: 'ask' | 'never';
}

/** `apply_patch`, `read_file`, `list_files` and `search_text` on one folder. Rejects with `tools/no-folder`. */
export async function openPatch({ folder, approve = 'ask' }: PatchOptions): Promise<Tool> {
  return new PatchTool(await Folder.open(folder), approve);
}

class PatchTool implements Tool {
  readonly name = 'apply_patch';
  readonly #folder: Folder;
  readonly #approve: 'ask' | 'never';
  /** Patches of all conversations, one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(folder: Folder, approve: 'ask' | 'never') {
    this.#folder = folder;
    this.#approve = approve;
  }

  async functions(): Promise<readonly ToolFunction[]> {
    return functions;
  }

  needsApproval({ name }: Pick<ToolRequest, 'name'>): boolean {
    return name === 'apply_patch' && this.#approve === 'ask';
  }

  async call(request: ToolRequest): Promise<ToolResult> {
    request.signal.throwIfAborted();
    try {
      return await this.#run(request);
    } catch (error) {
      request.signal.throwIfAborted();
      return { text: explain(error, request.name), isError: true };
    }
  }

  async close(): Promise<void> {
    await this.#last;
  }

  async #run({ name, arguments: text, signal }: ToolRequest): Promise<ToolResult> {
    const folder = this.#folder;
    switch (name) {
      case 'apply_patch':
        return this.#apply(patchOf(text));
      case 'read_file': {
        const { path, first_line, lines } = schemas.read_file.parse(parse(text));
        return { text: await readLines(folder, path, first_line, lines) };
      }
      case 'list_files': {
        const { path, depth } = schemas.list_files.parse(parse(text));
        return { text: await listFiles(folder, path, depth, signal) };
      }
      case 'search_text': {
        const { query, path, match_case } = schemas.search_text.parse(parse(text));
        return { text: await searchText(folder, query, path, match_case, signal) };
      }
      default:
        throw new PatchError(
          `There is no function ${name}; there are ${functions.map((each) => each.name).join(', ')}`,
        );
    }
  }

  async #apply(patch: string): Promise<ToolResult> {
    const applying = this.#last.then(() => applyPatch(this.#folder, patch));
    this.#last = applying.catch(() => {});
    const { files, notes } = await applying;
    const text = ['Done:', ...files.map(describe), ...notes.map((note) => `Note: ${note}`)].join('\n');
    return { text, action: { type: 'patch', files } };
  }
}

/** The models also call it as they were shown it: with nothing but the patch, or with the patch as a JSON text. */
function patchOf(text: string): string {
  if (text.trimStart().startsWith('*** Begin Patch')) return text;
  const value = parse(text);
  return typeof value === 'string' ? value : schemas.apply_patch.parse(value).input;
}

function parse(text: string): unknown {
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new PatchError('The arguments are no JSON');
  }
}

function describe({ path, change, added, removed }: PatchedFile): string {
  return `${change} ${path} (+${added} -${removed})`;
}

function explain(error: unknown, name: string): string {
  const nothing = name === 'apply_patch' ? 'Nothing was changed. ' : '';
  if (error instanceof z.ZodError) return `${nothing}The arguments are wrong: ${z.prettifyError(error)}`;
  if (error instanceof PatchError) return nothing + error.message;
  const { code } = error as NodeJS.ErrnoException;
  return `${nothing}The file system refuses: ${code ?? (error as Error).message}`;
}
