import type { PatchedFile } from '../types.ts';
import type { Folder, Place } from './folder.ts';
import { type FilePatch, PatchError, parsePatch } from './format.ts';
import { applyHunks } from './hunks.ts';
import { type Write, writeAll } from './write.ts';

export interface AppliedPatch {
  readonly files: readonly PatchedFile[];
  /** What was not quite as the patch says, with its file. */
  readonly notes: readonly string[];
}

interface Planned extends AppliedPatch {
  readonly writes: readonly Write[];
}

/** Applies a patch to a folder: all of it, or nothing. Throws `PatchError`. */
export async function applyPatch(folder: Folder, text: string): Promise<AppliedPatch> {
  const planned: Planned[] = [];
  for (const patch of parsePatch(text)) planned.push(await planOne(folder, patch));
  const writes = planned.flatMap((plan) => plan.writes);
  refuseTwice(writes, planned);
  await writeAll(writes);
  return { files: planned.flatMap(({ files }) => files), notes: planned.flatMap(({ notes }) => notes) };
}

async function planOne(folder: Folder, patch: FilePatch): Promise<Planned> {
  const place = await folder.place(patch.path);
  if (patch.change === 'add') return add(place, patch.lines);
  const { text, bytes } = await folder.read(place);
  if (patch.change === 'delete') {
    const files = [{ path: place.name, change: 'delete', added: 0, removed: countLines(text) } as const];
    return { files, notes: [], writes: [{ path: place.path, before: bytes, after: undefined }] };
  }
  const { content, added, removed, notes } = inFile(place, () => applyHunks(text, patch.hunks));
  const mode = place.stats === undefined ? {} : { mode: place.stats.mode };
  const target = patch.moveTo === undefined ? place : await folder.place(patch.moveTo);
  if (target.path === place.path) {
    return {
      files: [{ path: place.name, change: 'update', added, removed }],
      notes: notes.map((note) => `${place.name}: ${note}`),
      writes: [{ path: place.path, before: bytes, after: content, ...mode }],
    };
  }
  refuseExisting(target, 'move to another path, or delete it first');
  return {
    files: [{ path: target.name, change: 'move', added, removed }],
    notes: [`${target.name} was ${place.name}`, ...notes.map((note) => `${place.name}: ${note}`)],
    writes: [
      { path: target.path, before: undefined, after: content, ...mode },
      { path: place.path, before: bytes, after: undefined },
    ],
  };
}

function add(place: Place, lines: readonly string[]): Planned {
  refuseExisting(place, 'change it with "*** Update File:"');
  const after = lines.map((line) => `${line}\n`).join('');
  const files = [{ path: place.name, change: 'add', added: lines.length, removed: 0 } as const];
  return { files, notes: [], writes: [{ path: place.path, before: undefined, after }] };
}

function refuseExisting({ name, stats }: Place, next: string): void {
  if (stats !== undefined) throw new PatchError(`${name} exists already: ${next}`);
}

function refuseTwice(writes: readonly Write[], planned: readonly Planned[]): void {
  const seen = new Set<string>();
  for (const { path } of writes) {
    if (seen.has(path)) {
      const names = planned.flatMap(({ files }) => files.map((file) => file.path));
      const name = names.find((candidate) => path.endsWith(candidate)) ?? path;
      throw new PatchError(`${name} comes up twice in the patch: put all its hunks under one header`);
    }
    seen.add(path);
  }
}

function inFile<T>({ name }: Place, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof PatchError ? new PatchError(`${name}, ${error.message}`) : error;
  }
}

function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') || text === '' ? 1 : 0);
}
