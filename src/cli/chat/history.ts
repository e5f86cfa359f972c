import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const MAX_ENTRIES = 1000;

/** What was entered in earlier chats, for the arrow keys. Only the user can read the file. */
export class History {
  /** Newest first. */
  readonly entries: string[] = [];
  readonly #file: string | undefined;

  /** Without a directory nothing is read or kept on disk. */
  constructor(directory: string | undefined) {
    this.#file = directory && join(directory, 'chat-history.jsonl');
    if (this.#file) this.entries.push(...readEntries(this.#file).reverse());
  }

  add(text: string): void {
    const earlier = this.entries.indexOf(text);
    if (earlier !== -1) this.entries.splice(earlier, 1);
    this.entries.unshift(text);
    this.entries.length = Math.min(this.entries.length, MAX_ENTRIES);
  }

  /** Writes the file again; a disk that is full or read-only costs the history and nothing else. */
  save(): void {
    if (!this.#file) return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true, mode: 0o700 });
      const lines = [...this.entries].reverse().map((entry) => `${JSON.stringify(entry)}\n`);
      writeFileSync(this.#file, lines.join(''), { mode: 0o600 });
    } catch {
      // see above
    }
  }
}

function readEntries(file: string): string[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line): unknown => JSON.parse(line)).filter((entry) => typeof entry === 'string');
  } catch {
    return []; // no file yet, or one that something else has written
  }
}
