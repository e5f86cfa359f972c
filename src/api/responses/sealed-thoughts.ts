import type { Message } from '../../harmony/index.ts';
import { Seal } from '../seal.ts';

/**
 * `encrypted_content`: what a model wrote as a thought, ids included, for clients that keep their own history. Sealed with the
 * store's key, so nobody can make one up; and of use only to the model that wrote it.
 */
export class SealedThoughts {
  readonly #seal: Seal;

  constructor(secret: Uint8Array) {
    this.#seal = new Seal(Buffer.from(secret));
  }

  seal(model: string, ids: readonly number[]): string {
    return this.#seal.close(JSON.stringify({ model, ids }));
  }

  /** The thought as a message with its ids. Undefined for what somebody else has sealed, or another model thought. */
  open(model: string, sealed: unknown, text: string): Message | undefined {
    const opened = typeof sealed === 'string' ? this.#seal.open(sealed) : undefined;
    if (opened === undefined) return undefined;
    const { model: thinker, ids } = JSON.parse(opened) as { readonly model: string; readonly ids: number[] };
    if (thinker !== model) return undefined;
    return { role: 'assistant', channel: 'analysis', content: text, sampled: ids };
  }
}
