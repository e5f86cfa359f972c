import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { OssiaError } from '../../base/index.ts';
import { migrate } from './migrations.ts';

/** A server that is going down may hold the file a little longer. */
const BUSY_TIMEOUT_MS = 3000;

/** Opens the file for this process alone, makes it if need be, and brings its tables up to date. */
export function openDatabase(sqlite: typeof import('node:sqlite'), file: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    closeSync(openSync(file, 'a', 0o600)); // nobody else shall read what people say
    database = new sqlite.DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    database.exec('PRAGMA locking_mode = EXCLUSIVE');
    database.exec('PRAGMA auto_vacuum = INCREMENTAL');
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA synchronous = FULL');
    database.exec('PRAGMA secure_delete = ON');
    database.exec('PRAGMA foreign_keys = ON');
    database.exec('BEGIN EXCLUSIVE; COMMIT'); // takes the lock now, and until the end
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    throw storeFailed(`Cannot open ${file}`, error);
  }
}

export function storeFailed(attempt: string, cause: unknown): OssiaError {
  if (cause instanceof OssiaError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const found = /locked|busy/i.test(message) ? 'another server uses it; start this one with another --data' : message;
  return new OssiaError('server/store-failed', `${attempt}: ${found}`, { cause });
}

/** All or nothing. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}
