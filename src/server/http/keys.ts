import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { OssiaError } from '../../base/index.ts';
import type { Middleware, RequestContext } from '../context.ts';

/** Probes that orchestrators send without a key. They tell nothing but that the server is there. */
const OPEN_PATHS = new Set(['/health', '/ready', '/ping']);

/** One key that opens the server. Only its hash is kept. */
export interface ApiKey {
  /** Who has it: in logs and metrics, and for fairness between clients. */
  readonly name: string;
  readonly sha256: Buffer;
}

/** A new key of 256 random bits. */
export function newKey(): string {
  return `ossia-${randomBytes(32).toString('base64url')}`;
}

/** A key in the clear; its name, if it has none, is made of its hash. */
export function apiKey(key: string, name?: string): ApiKey {
  const sha256 = createHash('sha256').update(key).digest();
  return { name: name ?? `key-${sha256.toString('hex').slice(0, 8)}`, sha256 };
}

/** The line of a key file: `name:` and the SHA-256 of the key in hex. */
export function keyLine({ name, sha256 }: ApiKey): string {
  return `${name}:${sha256.toString('hex')}`;
}

/** Reads a key file: one `name:sha256` a line; empty lines and those that begin with `#` say nothing. Throws `server/bad-option`. */
export function parseKeyFile(text: string, source: string): ApiKey[] {
  return text.split('\n').flatMap((line, index) => {
    const entry = line.trim();
    if (entry === '' || entry.startsWith('#')) return [];
    const [, name, hash] = /^([\w.@-]{1,64}):([0-9a-f]{64})$/i.exec(entry) ?? [];
    if (name === undefined || hash === undefined) {
      const expected = 'expected a name, a colon and 64 hex digits, as `ossia key` prints them';
      throw new OssiaError('server/bad-option', `Cannot read line ${index + 1} of ${source}: ${expected}`);
    }
    return [{ name, sha256: Buffer.from(hash, 'hex') }];
  });
}

/** Lets in who has one of the keys, as `Authorization: Bearer …` or `x-api-key`. `isOpen`: further requests that need none. Throws `server/unauthorized`. */
export function checkKey(keys: readonly ApiKey[], isOpen: (c: RequestContext) => boolean = () => false): Middleware {
  return async (c, next) => {
    if (!OPEN_PATHS.has(c.req.path) && !isOpen(c)) c.set('client', find(keys, presented(c)).name);
    await next();
  };
}

function presented(c: RequestContext): string {
  const bearer = /^bearer\s+(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1];
  const key = bearer ?? c.req.header('x-api-key');
  if (key === undefined || key === '')
    throw new OssiaError('server/unauthorized', 'This server asks for a key, and none came');
  return key;
}

/** Compares hashes, and all of them, so that the time it takes tells nothing. */
function find(keys: readonly ApiKey[], key: string): ApiKey {
  const { sha256 } = apiKey(key);
  let found: ApiKey | undefined;
  for (const candidate of keys) if (timingSafeEqual(candidate.sha256, sha256)) found = candidate;
  if (found === undefined) throw new OssiaError('server/unauthorized', 'The key that came is none of this server');
  return found;
}
