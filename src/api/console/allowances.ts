import type { ActCall } from '../../chat/index.ts';

const MAX_CONVERSATIONS = 1000;
const MAX_FUNCTIONS = 256;

/** Functions that a person has allowed for good, by conversation. What was allowed longest ago is asked again. */
export class Allowances {
  readonly #functions = new Map<string, Set<string>>();

  add(conversation: string, call: ActCall): void {
    const functions = this.#functions.get(conversation) ?? new Set();
    functions.add(keyOf(call));
    if (functions.size > MAX_FUNCTIONS) functions.delete(oldest(functions));
    this.#functions.delete(conversation); // so that it becomes the newest
    this.#functions.set(conversation, functions);
    if (this.#functions.size > MAX_CONVERSATIONS) this.#functions.delete(oldest(this.#functions));
  }

  has(conversation: string, call: ActCall): boolean {
    return this.#functions.get(conversation)?.has(keyOf(call)) ?? false;
  }

  forget(conversation: string): void {
    this.#functions.delete(conversation);
  }
}

function keyOf({ tool, name }: ActCall): string {
  return `${tool} ${name}`;
}

/** Maps and sets give their keys in the order in which they came. */
function oldest(keys: { keys(): IterableIterator<string> }): string {
  return keys.keys().next().value!;
}
