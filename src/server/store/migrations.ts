import type { DatabaseSync } from 'node:sqlite';
import { OssiaError } from '../../base/index.ts';

/** What takes a file from each version to the next; `user_version` says where it stands. Never change one: add another. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE settings (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
  CREATE TABLE responses (
    id TEXT PRIMARY KEY,
    previous_id TEXT,
    created_at INTEGER NOT NULL,
    status TEXT NOT NULL,
    model_name TEXT NOT NULL,
    response TEXT NOT NULL,
    input TEXT NOT NULL
  ) STRICT;
  CREATE INDEX responses_by_age ON responses (created_at);
  CREATE INDEX unfinished_responses ON responses (status) WHERE status IN ('queued', 'in_progress');
  CREATE TABLE items (
    id TEXT PRIMARY KEY,
    response_id TEXT NOT NULL REFERENCES responses (id) ON DELETE CASCADE,
    item TEXT NOT NULL,
    exact TEXT
  ) STRICT;
  CREATE INDEX items_by_response ON items (response_id);
  CREATE TABLE streams (
    response_id TEXT PRIMARY KEY REFERENCES responses (id) ON DELETE CASCADE,
    events TEXT NOT NULL
  ) STRICT;
  `,
];

/** Throws `server/store-failed` for the file of a later version of Ossia. */
export function migrate(database: DatabaseSync, file: string): void {
  const version = Number(database.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  if (version > MIGRATIONS.length) {
    throw new OssiaError('server/store-failed', `Cannot use ${file}: a later version of Ossia has written it`);
  }
  for (const [index, step] of MIGRATIONS.entries()) {
    if (index >= version) database.exec(`BEGIN; ${step}; PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
