import { OssiaError } from '../../base/index.ts';
import type { Tool } from '../types.ts';

export interface PatchOptions {
  /** The only folder that is read and changed. */
  readonly folder: string;
  /** Whether a person has to agree before files change. Reading needs no agreement. Default `ask`. */
  readonly approve?: 'ask' | 'never';
}

/** `apply_patch`, `read_file`, `list_files` and `search_text` on one folder. Rejects with `tools/no-folder`. */
export async function openPatch({ folder }: PatchOptions): Promise<Tool> {
  throw new OssiaError('tools/no-folder', `Cannot open the folder ${folder}`);
}
