import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Folder, isGit, type Place } from './folder.ts';
import { PatchError } from './format.ts';

const MAX_LINES = 500;
const MAX_CHARACTERS = 40_000;
const MAX_ENTRIES = 500;
const MAX_MATCHES = 100;
const MAX_VISITED = 20_000;
const MAX_SEARCH_MS = 20_000;
/** Bytes: larger files are seldom written by people. */
const MAX_SEARCHED = 1024 * 1024;
const LINE_LENGTH = 300;

/** What other programs fill; it is looked into only when named. */
const FILLED = new Set([
  'node_modules',
  '.venv',
  'venv',
  '__pycache__',
  '.tox',
  'target',
  '.gradle',
  '.next',
  '.cache',
]);

/** A part of a file, as it is. `first` is counted from 1. */
export async function readLines(folder: Folder, path: string, first: number, count: number): Promise<string> {
  const place = await folder.place(path);
  const { text } = await folder.read(place);
  const lines = text.split(/\r\n|\n/);
  if (lines.at(-1) === '') lines.pop();
  if (lines.length === 0) return `${place.name} is empty.`;
  if (first > lines.length) throw new PatchError(`${place.name} has ${lines.length} lines, and none from ${first} on`);
  const shown: string[] = [];
  let size = 0;
  for (const line of lines.slice(first - 1, first - 1 + Math.min(count, MAX_LINES))) {
    size += line.length + 1;
    if (size > MAX_CHARACTERS && shown.length > 0) break;
    shown.push(line.length > MAX_CHARACTERS ? `${line.slice(0, MAX_CHARACTERS)}… (cut)` : line);
  }
  const last = first - 1 + shown.length;
  return `${place.name}, lines ${first} to ${last} of ${lines.length}:\n${shown.join('\n')}`;
}

/** Files and folders, the upper ones first where there are too many. */
export async function listFiles(folder: Folder, path: string, depth: number, signal: AbortSignal): Promise<string> {
  const top = await folder.place(path);
  requireFolder(top);
  const found: string[] = [];
  let level = [top];
  for (let left = depth; level.length > 0 && left > 0 && found.length <= MAX_ENTRIES; left--) {
    const below: Place[] = [];
    for (const place of level) {
      signal.throwIfAborted();
      for (const entry of await entriesOf(place)) {
        const name = place.name === '.' ? entry.name : `${place.name}/${entry.name}`;
        const isFolder = entry.isDirectory();
        found.push(isFolder ? `${name}/` : entry.isSymbolicLink() ? `${name} (a link)` : name);
        if (isFolder && !FILLED.has(entry.name))
          below.push({ name, path: join(place.path, entry.name), stats: undefined });
      }
      if (found.length > MAX_ENTRIES) break;
    }
    level = below;
  }
  if (found.length === 0) return `${top.name} is empty.`;
  const more =
    found.length > MAX_ENTRIES || level.length > 0 ? '\n(There is more: name a folder, or a greater depth.)' : '';
  return found.slice(0, MAX_ENTRIES).sort().join('\n') + more;
}

/** Lines that contain a text: `path:line: text`. */
export async function searchText(
  folder: Folder,
  query: string,
  path: string,
  matchCase: boolean,
  signal: AbortSignal,
): Promise<string> {
  const search = new Search(folder, query, matchCase, signal);
  const place = await folder.place(path);
  if (place.stats === undefined) throw new PatchError(`${place.name}: there is no such file or folder`);
  if (place.stats.isDirectory()) await search.folder(place);
  else await search.file(place);
  return search.report();
}

class Search {
  readonly #folder: Folder;
  readonly #fold: (text: string) => string;
  readonly #query: string;
  readonly #signal: AbortSignal;
  readonly #deadline = performance.now() + MAX_SEARCH_MS;
  readonly #matches: string[] = [];
  #visited = 0;

  constructor(folder: Folder, query: string, matchCase: boolean, signal: AbortSignal) {
    this.#folder = folder;
    this.#fold = matchCase ? (text) => text : (text) => text.toLowerCase();
    this.#query = this.#fold(query);
    this.#signal = signal;
  }

  async folder(place: Place): Promise<void> {
    for (const entry of await entriesOf(place)) {
      if (this.#isOver()) return;
      const inner = {
        name: place.name === '.' ? entry.name : `${place.name}/${entry.name}`,
        path: join(place.path, entry.name),
      };
      if (entry.isDirectory() && !FILLED.has(entry.name)) await this.folder({ ...inner, stats: undefined });
      else if (entry.isFile()) await this.file(await this.#folder.place(inner.name));
    }
  }

  async file(place: Place): Promise<void> {
    this.#signal.throwIfAborted();
    this.#visited++;
    if (place.stats === undefined || place.stats.size > MAX_SEARCHED) return;
    const text = await this.#folder.read(place).then(
      (read) => read.text,
      () => '', // not text, or not ours to read
    );
    if (!this.#fold(text).includes(this.#query)) return;
    for (const [index, line] of text.split(/\r\n|\n/).entries()) {
      if (this.#matches.length > MAX_MATCHES) return;
      const at = this.#fold(line).indexOf(this.#query);
      if (at >= 0) this.#matches.push(`${place.name}:${index + 1}: ${window(line, at)}`);
    }
  }

  report(): string {
    const matches = this.#matches;
    if (matches.length === 0)
      return `Found nowhere in ${this.#visited} files.${this.#isOver() ? ' There are more files.' : ''}`;
    const shown = matches.slice(0, MAX_MATCHES).join('\n');
    return this.#isOver() ? `${shown}\n(There may be more: search in a folder, or for more.)` : shown;
  }

  #isOver(): boolean {
    return this.#matches.length > MAX_MATCHES || this.#visited >= MAX_VISITED || performance.now() > this.#deadline;
  }
}

async function entriesOf(place: Place): ReturnType<typeof readSorted> {
  const entries = await readSorted(place.path);
  return entries.filter(({ name }) => !isGit(name));
}

async function readSorted(path: string) {
  const entries = await readdir(path, { withFileTypes: true });
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function requireFolder({ name, stats }: Place): void {
  if (stats === undefined) throw new PatchError(`${name}: there is no such folder`);
  if (!stats.isDirectory()) throw new PatchError(`${name} is a file: read it with read_file`);
}

/** The part of a long line that matters. */
function window(line: string, at: number): string {
  if (line.length <= LINE_LENGTH) return line;
  const start = Math.max(0, at - LINE_LENGTH / 2);
  return `${start > 0 ? '…' : ''}${line.slice(start, start + LINE_LENGTH)}…`;
}
