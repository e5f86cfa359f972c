import { signal } from '@preact/signals';

/** Why conversations are not kept; absent when they are. */
export const storageProblem = signal<string | undefined>(undefined);

export type StoreName = 'conversations' | 'nodes' | 'turns';

let opening: Promise<IDBDatabase | undefined> | undefined;

/** Undefined where the browser keeps nothing for this page, in a private window for instance. */
export function database(): Promise<IDBDatabase | undefined> {
  opening ??= open().catch(() => {
    storageProblem.value =
      'This browser keeps nothing for this page: conversations are gone when it is closed. Export what you need.';
    return undefined;
  });
  return opening;
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('ossia', 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore('conversations', { keyPath: 'id' });
      request.result.createObjectStore('nodes', { keyPath: 'id' }).createIndex('conversation', 'conversation');
      request.result.createObjectStore('turns', { keyPath: 'id' }).createIndex('at', 'at');
    };
    request.onsuccess = () => {
      request.result.onversionchange = () => request.result.close();
      resolve(request.result);
    };
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('The storage is blocked by another tab'));
  });
}

/** Runs one transaction. A failure is shown to the person and answers undefined: the chat goes on without. */
export async function within<T>(
  stores: readonly StoreName[],
  mode: IDBTransactionMode,
  work: (transaction: IDBTransaction) => IDBRequest<T> | undefined,
): Promise<T | undefined> {
  const db = await database();
  if (!db) return undefined;
  try {
    return await new Promise<T | undefined>((resolve, reject) => {
      const transaction = db.transaction([...stores], mode);
      const request = work(transaction);
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = () => reject(transaction.error ?? request?.error);
    });
  } catch (error) {
    storageProblem.value =
      error instanceof DOMException && error.name === 'QuotaExceededError'
        ? 'This browser’s storage is full: what comes now is not kept. Delete conversations, or export them first.'
        : `This browser could not keep the conversation (${error instanceof Error ? error.message : String(error)})`;
    return undefined;
  }
}
