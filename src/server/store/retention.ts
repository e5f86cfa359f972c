import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from './database.ts';

export interface RetentionOptions {
  readonly maxAgeSeconds: number;
  readonly maxBytes: number;
}

/** Shares of all responses that have to go, one after another, until the file is small enough. */
const SHARES = [0.1, 0.2, 0.4, 0.6, 0.8, 1];

/**
 * Lets old responses go. One that a younger response goes on from stays with it, so that no conversation that is still held
 * loses its beginning.
 */
export class Retention {
  readonly #database: DatabaseSync;
  readonly #options: RetentionOptions;
  readonly #prune: StatementSync;

  constructor(database: DatabaseSync, options: RetentionOptions) {
    this.#database = database;
    this.#options = options;
    this.#prune = database.prepare(`
      WITH RECURSIVE kept (id) AS (
        SELECT id FROM responses WHERE created_at >= ? OR status IN ('queued', 'in_progress')
        UNION
        SELECT previous_id FROM responses JOIN kept USING (id) WHERE previous_id IS NOT NULL
      )
      DELETE FROM responses WHERE id NOT IN (SELECT id FROM kept)
    `);
  }

  /** What is too old goes; then the oldest, while the file is too large. */
  apply(nowSeconds = Math.floor(Date.now() / 1000)): void {
    this.#dropBefore(nowSeconds - this.#options.maxAgeSeconds);
    for (const share of SHARES) {
      if (this.#usedBytes() <= this.#options.maxBytes) return;
      const cutoff = this.#ageAt(share);
      if (cutoff !== undefined) this.#dropBefore(cutoff);
    }
  }

  /** Gives the space of deleted rows back, and leaves nothing of them in the log. */
  compact(): void {
    this.#database.exec('PRAGMA incremental_vacuum');
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }

  #dropBefore(cutoffSeconds: number): void {
    const { changes } = inTransaction(this.#database, () => this.#prune.run(cutoffSeconds));
    if (changes > 0) this.compact();
  }

  #usedBytes(): number {
    const pragma = (name: string) => Number(this.#database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
    return (pragma('page_count') - pragma('freelist_count')) * pragma('page_size');
  }

  /** One second behind the youngest of the oldest share. */
  #ageAt(share: number): number | undefined {
    const { count } = this.#database.prepare('SELECT count(*) AS count FROM responses').get() ?? {};
    const offset = Math.max(0, Math.ceil(Number(count) * share) - 1);
    const row = this.#database
      .prepare('SELECT created_at FROM responses ORDER BY created_at LIMIT 1 OFFSET ?')
      .get(offset);
    return row === undefined ? undefined : Number(row.created_at) + 1;
  }
}
