import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';

const CIPHER = 'aes-256-gcm';
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PREFIX = 'ossia1.';
/** No thought is longer; a token of ours cannot unfold to more. */
const MAX_BYTES = 64_000_000;

/**
 * Signatures of thinking blocks: opaque, authenticated, and with the thought inside, so that what comes back is what the model
 * thought, also when the client was never shown it. The key lives as long as the process.
 */
export class Seal {
  readonly #key: Buffer;

  constructor(key: Buffer = randomBytes(32)) {
    this.#key = key;
  }

  close(thought: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, iv);
    const sealed = Buffer.concat([cipher.update(deflateRawSync(thought)), cipher.final()]);
    return `${PREFIX}${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')}`;
  }

  /** The thought inside; undefined for a signature that somebody else made, or an earlier process. */
  open(signature: string): string | undefined {
    if (!signature.startsWith(PREFIX)) return undefined;
    const bytes = Buffer.from(signature.slice(PREFIX.length), 'base64url');
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv(CIPHER, this.#key, bytes.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    try {
      const thought = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
      return inflateRawSync(thought, { maxOutputLength: MAX_BYTES }).toString();
    } catch {
      return undefined;
    }
  }
}
