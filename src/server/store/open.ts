import { join } from 'node:path';
import { MemoryStore, type ResponseStore } from '../../api/index.ts';
import { OssiaError } from '../../base/index.ts';
import { openDatabase } from './database.ts';
import { SqliteStore } from './sqlite-store.ts';

export interface ResponseStoreOptions {
  /** Where `responses.db` lies or shall lie. Absent: responses last as long as the server. */
  readonly directory?: string | undefined;
  /** Days after which a response goes, unless a later one goes on from it. Default 30. */
  readonly days?: number | undefined;
  /** The oldest responses go when the file would grow beyond this. Default 4 GiB. */
  readonly maxBytes?: number | undefined;
  /** Told where responses do not outlast the server, and of what went wrong with old ones. */
  readonly warn?: (message: string) => void;
}

const DAYS = 30;
const MAX_BYTES = 4 * 2 ** 30;

/** Throws `server/store-failed`: no permission, no space, a damaged file, or another server that uses it. */
export async function openResponseStore(options: ResponseStoreOptions = {}): Promise<ResponseStore> {
  const { directory, days = DAYS, maxBytes = MAX_BYTES, warn } = options;
  if (!(days > 0)) throw new OssiaError('server/bad-option', `Expected days to be more than 0, got ${days}`);
  if (directory === undefined) return new MemoryStore();
  const sqlite = await importSqlite();
  if (sqlite === undefined) {
    warn?.(`Responses are kept in memory only: Node.js ${process.versions.node} has no SQLite, 22.13 and later have`);
    return new MemoryStore();
  }
  const file = join(directory, 'responses.db');
  return new SqliteStore(openDatabase(sqlite, file), { file, maxAgeSeconds: days * 86_400, maxBytes, warn });
}

async function importSqlite(): Promise<typeof import('node:sqlite') | undefined> {
  try {
    return await import('node:sqlite');
  } catch {
    return undefined;
  }
}
