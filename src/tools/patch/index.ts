/** What a coding turn needs on a folder that the user named: read, search, and change files by patches. */
export { openPatch, type PatchOptions } from './tool.ts';
