import { randomBytes } from 'node:crypto';
import type { Message } from '../../harmony/index.ts';
import type { StreamEvent } from './events.ts';
import type { HistoryItem } from './history.ts';
import type { InputItem } from './items.ts';
import type { ResponseObject } from './response.ts';

/** A response and what it takes to go on from it. */
export interface StoredResponse {
  readonly response: ResponseObject;
  /** Of its own request, without the history before it. */
  readonly input: readonly InputItem[];
  /** What the model wrote for items of the output, by their ids. */
  readonly exact: Readonly<Record<string, Message>>;
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

/** Keeps the last responses in memory, for tests and where there is no SQLite: they end with the process. */
export class MemoryStore implements ResponseStore {
  readonly secret: Uint8Array = randomBytes(32);
  readonly #responses = new Map<string, StoredResponse>();
  readonly #events = new Map<string, readonly StreamEvent[]>();
  readonly #items = new Map<string, StoredItem & { readonly owner: string }>();
  readonly #maxResponses: number;

  constructor({ maxResponses = 1000 }: { readonly maxResponses?: number } = {}) {
    this.#maxResponses = maxResponses;
  }

  insert(stored: StoredResponse): void {
    this.#responses.set(stored.response.id, stored);
    this.#addItems(stored);
    for (const oldest of this.#responses.keys()) {
      if (this.#responses.size <= this.#maxResponses) break;
      this.delete(oldest);
    }
  }

  update(stored: StoredResponse, events?: readonly StreamEvent[]): boolean {
    const { id } = stored.response;
    if (!this.#responses.has(id)) return false;
    this.#responses.set(id, stored);
    this.#addItems(stored);
    if (events) this.#events.set(id, events);
    return true;
  }

  get(id: string): StoredResponse | undefined {
    return this.#responses.get(id);
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
    this.#events.delete(id);
    return this.#responses.delete(id);
  }

  close(): void {
    this.#responses.clear();
    this.#events.clear();
    this.#items.clear();
  }

  /** An item that was sent back belongs to the response that it came from. */
  #addItems({ response, input, exact: all, modelName }: StoredResponse): void {
    for (const item of [...input, ...outputItems(response)]) {
      if (this.#items.has(item.id)) continue;
      const exact = all[item.id];
      this.#items.set(item.id, { item, modelName, owner: response.id, ...(exact === undefined ? {} : { exact }) });
    }
  }
}

/** A response's output as the items of a history. */
export function outputItems({ output }: ResponseObject): InputItem[] {
  return output.map((item) => ({ ...item }));
}
