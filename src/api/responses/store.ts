import { randomBytes } from 'node:crypto';
import type { Message } from '../../harmony/index.ts';
import type { StreamEvent } from './events.ts';
import type { HistoryItem } from './history.ts';
import type { InputItem } from './items.ts';
import type { ResponseObject } from './response.ts';

/** What the model wrote for an item; for a call that ran here, with what it was given back. */
export interface Written extends Message {
  readonly result?: string;
}

/** A response and what it takes to go on from it. */
export interface StoredResponse {
  readonly response: ResponseObject;
  /** Of its own request, without the history before it. */
  readonly input: readonly InputItem[];
  /** What the model wrote for items of the output, by their ids. */
  readonly exact: ReadonlyMap<string, Written>;
  /** Whose ids those are. */
  readonly modelName: string;
}

/** Where responses are kept. What `insert` and `update` have returned from is not lost, whatever happens to the process. */
export interface ResponseStore {
  /** 32 bytes that last as long as the store does: the key of `encrypted_content`. */
  readonly secret: Uint8Array;
  insert(stored: StoredResponse): void;
  /** `events`: of a background response, for those who read its stream later. False when it has been deleted meanwhile. */
  update(stored: StoredResponse, events?: readonly StreamEvent[]): boolean;
  get(id: string): StoredResponse | undefined;
  events(id: string): readonly StreamEvent[] | undefined;
  /** An item of a stored response, of its input or its output. */
  item(id: string): StoredItem | undefined;
  /** False when there is none of this id. Nothing of it remains. */
  delete(id: string): boolean;
  close(): void;
}

export interface StoredItem extends HistoryItem {
  readonly modelName: string;
}

export interface MemoryStoreOptions {
  /** Default 1,000. */
  readonly maxResponses?: number;
  /** Of all responses and their inputs together. Default 128 million. */
  readonly maxCharacters?: number;
}

interface Kept extends StoredResponse {
  readonly characters: number;
}

/** Keeps the last responses in memory, for tests and where there is no SQLite: they end with the process. */
export class MemoryStore implements ResponseStore {
  readonly secret: Uint8Array = randomBytes(32);
  /** The oldest first. */
  readonly #responses = new Map<string, Kept>();
  readonly #events = new Map<string, readonly StreamEvent[]>();
  readonly #items = new Map<string, StoredItem & { readonly owner: string }>();
  readonly #maxResponses: number;
  readonly #maxCharacters: number;
  #characters = 0;

  constructor({ maxResponses = 1000, maxCharacters = 128_000_000 }: MemoryStoreOptions = {}) {
    this.#maxResponses = maxResponses;
    this.#maxCharacters = maxCharacters;
  }

  insert(stored: StoredResponse): void {
    this.#keep(stored);
    for (const oldest of this.#responses.keys()) {
      const isSmall = this.#responses.size <= this.#maxResponses && this.#characters <= this.#maxCharacters;
      if (isSmall || this.#responses.size === 1) break;
      this.delete(oldest);
    }
  }

  update(stored: StoredResponse, events?: readonly StreamEvent[]): boolean {
    const { id } = stored.response;
    if (!this.#responses.has(id)) return false;
    this.#keep(stored);
    if (events) this.#events.set(id, events);
    return true;
  }

  get(id: string): StoredResponse | undefined {
    const kept = this.#responses.get(id);
    if (!kept) return undefined;
    const { characters: _, ...stored } = kept;
    return stored;
  }

  events(id: string): readonly StreamEvent[] | undefined {
    return this.#events.get(id);
  }

  item(id: string): StoredItem | undefined {
    return this.#items.get(id);
  }

  delete(id: string): boolean {
    const stored = this.#responses.get(id);
    for (const item of stored ? [...stored.input, ...stored.response.output] : []) {
      if (this.#items.get(item.id)?.owner === id) this.#items.delete(item.id);
    }
    this.#characters -= stored?.characters ?? 0;
    this.#events.delete(id);
    return this.#responses.delete(id);
  }

  close(): void {
    this.#responses.clear();
    this.#events.clear();
    this.#items.clear();
    this.#characters = 0;
  }

  #keep(stored: StoredResponse): void {
    const { id } = stored.response;
    const characters = JSON.stringify([stored.response, stored.input]).length;
    this.#characters += characters - (this.#responses.get(id)?.characters ?? 0);
    this.#responses.set(id, { ...stored, characters });
    this.#addItems(stored);
  }

  /** An item that was sent back belongs to the response that it came from. */
  #addItems({ response, input, exact: all, modelName }: StoredResponse): void {
    for (const item of [...input, ...outputItems(response)]) {
      if (this.#items.has(item.id)) continue;
      const exact = all.get(item.id);
      this.#items.set(item.id, { item, modelName, owner: response.id, ...(exact === undefined ? {} : { exact }) });
    }
  }
}

/** A response's output as the items of a history. */
export function outputItems({ output }: ResponseObject): InputItem[] {
  return output.map((item) => ({ ...item }));
}
