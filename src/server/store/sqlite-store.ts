import { randomBytes } from 'node:crypto';
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { ResponseStore, StoredItem, StoredResponse, StreamEvent } from '../../api/index.ts';
import type { Message } from '../../harmony/index.ts';
import { inTransaction, storeFailed } from './database.ts';
import { Retention, type RetentionOptions } from './retention.ts';

export interface SqliteStoreOptions extends RetentionOptions {
  /** For messages. */
  readonly file: string;
  /** Told when old responses could not be let go. */
  readonly warn?: ((message: string) => void) | undefined;
}

const RETENTION_EVERY_MS = 3_600_000;
/** The size of the file is looked at after this many characters of new responses. */
const RETENTION_EVERY_CHARACTERS = 64_000_000;

type ResponseStatus = StoredResponse['response']['status'];

/** Responses in one SQLite file. What has been written stays written, whatever happens to the process. */
export class SqliteStore implements ResponseStore {
  readonly secret: Uint8Array;
  readonly #database: DatabaseSync;
  readonly #file: string;
  readonly #warn: SqliteStoreOptions['warn'];
  readonly #retention: Retention;
  readonly #timer: NodeJS.Timeout;
  readonly #statements = new Map<string, StatementSync>();
  #newCharacters = 0;

  constructor(database: DatabaseSync, { file, warn, ...options }: SqliteStoreOptions) {
    this.#database = database;
    this.#file = file;
    this.#warn = warn;
    this.#retention = new Retention(database, options);
    this.secret = this.#attempt('read', () => this.#secret());
    this.#attempt('write to', () => this.#failUnfinished());
    this.#tidy();
    this.#timer = setInterval(() => this.#tidy(), RETENTION_EVERY_MS);
    this.#timer.unref();
  }

  insert(stored: StoredResponse): void {
    const { response, input, modelName } = stored;
    const { id, previous_response_id, created_at, status } = response;
    const texts = { response: JSON.stringify(response), input: JSON.stringify(input) };
    this.#write(status, () => {
      this.#run(
        `INSERT INTO responses (id, previous_id, created_at, status, model_name, response, input)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ...[id, previous_response_id, created_at, status, modelName, texts.response, texts.input],
      );
      for (const item of [...input, ...response.output]) this.#addItem(item, stored);
    });
    this.#newCharacters += texts.response.length + texts.input.length;
    if (this.#newCharacters > RETENTION_EVERY_CHARACTERS) this.#tidy();
  }

  update(stored: StoredResponse, events?: readonly StreamEvent[]): boolean {
    const { response, modelName } = stored;
    const { id, status, output } = response;
    return this.#write(status, () => {
      const changed = this.#run(
        'UPDATE responses SET status = ?, model_name = ?, response = ? WHERE id = ?',
        ...[status, modelName, JSON.stringify(response), id],
      );
      if (changed === 0) return false;
      for (const item of output) this.#addItem(item, stored);
      if (events) this.#run('INSERT OR REPLACE INTO streams VALUES (?, ?)', id, JSON.stringify(events));
      return true;
    });
  }

  get(id: string): StoredResponse | undefined {
    const row = this.#row('SELECT response, input, model_name FROM responses WHERE id = ?', id);
    if (!row) return undefined;
    const exact = this.#rows('SELECT id, exact FROM items WHERE response_id = ? AND exact IS NOT NULL', id);
    return {
      response: parse(row.response),
      input: parse(row.input),
      exact: new Map(exact.map((item) => [String(item.id), parse<Message>(item.exact)])),
      modelName: String(row.model_name),
    };
  }

  events(id: string): readonly StreamEvent[] | undefined {
    const row = this.#row('SELECT events FROM streams WHERE response_id = ?', id);
    return row && parse<StreamEvent[]>(row.events);
  }

  item(id: string): StoredItem | undefined {
    const row = this.#row(
      `SELECT item, exact, model_name FROM items JOIN responses ON responses.id = response_id WHERE items.id = ?`,
      id,
    );
    if (!row) return undefined;
    const exact = row.exact === null ? {} : { exact: parse<Message>(row.exact) };
    return { item: parse(row.item), modelName: String(row.model_name), ...exact };
  }

  delete(id: string): boolean {
    return this.#attempt('write to', () => {
      const isGone = this.#run('DELETE FROM responses WHERE id = ?', id) > 0;
      if (isGone) this.#retention.compact();
      return isGone;
    });
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#database.isOpen) this.#database.close();
  }

  /** That this failed is no reason to refuse a response. */
  #tidy(): void {
    this.#newCharacters = 0;
    try {
      this.#retention.apply();
    } catch (error) {
      this.#warn?.(storeFailed(`Cannot remove old responses from ${this.#file}`, error).message);
    }
  }

  /** What ran when the process ended will not be finished by anybody. */
  #failUnfinished(): void {
    const message = 'The server stopped before this response was finished: create it again';
    this.#run(
      `UPDATE responses SET status = 'failed', response = json_set(response,
         '$.status', 'failed', '$.error', json_object('code', 'server_error', 'message', ?))
       WHERE status IN ('queued', 'in_progress')`,
      message,
    );
  }

  /** An item that was sent back belongs to the response that it came from. */
  #addItem(item: { readonly id: string }, { response, exact: all }: StoredResponse): void {
    const written = all.get(item.id);
    const exact = written === undefined ? null : JSON.stringify(written);
    this.#run('INSERT OR IGNORE INTO items VALUES (?, ?, ?, ?)', item.id, response.id, JSON.stringify(item), exact);
  }

  #secret(): Uint8Array {
    const name = 'secret';
    this.#run('INSERT OR IGNORE INTO settings VALUES (?, ?)', name, randomBytes(32));
    const value = this.#row('SELECT value FROM settings WHERE name = ?', name)?.value;
    if (!(value instanceof Uint8Array)) throw new TypeError('The secret is missing');
    return value;
  }

  /**
   * A change, all or nothing. What a client is told of afterwards waits for the disk; that a response is being made does not:
   * without power nobody will finish it, and a process that is killed loses nothing of what it has written.
   */
  #write<T>(status: ResponseStatus, work: () => T): T {
    return this.#attempt('write to', () => {
      this.#database.exec(`PRAGMA synchronous = ${status === 'in_progress' ? 'NORMAL' : 'FULL'}`);
      return inTransaction(this.#database, work);
    });
  }

  #row(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
    return this.#attempt('read', () => this.#prepared(sql).get(...values));
  }

  #rows(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return this.#attempt('read', () => this.#prepared(sql).all(...values));
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #attempt<T>(verb: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storeFailed(`Cannot ${verb} ${this.#file}`, error);
    }
  }
}

function parse<T>(json: SQLOutputValue | undefined): T {
  return JSON.parse(String(json)) as T;
}
