import { isIP } from 'node:net';
import { OssiaError } from '../../base/index.ts';
import type { Middleware } from '../context.ts';

/**
 * The names under which a server may be spoken to. A page can make its own name point to this machine (DNS rebinding) and so
 * pass for a neighbour, but its name then stands in the Host header: what is no name of ours, no address and not allowed
 * is such a page's.
 */
export class HostNames {
  readonly #names: ReadonlySet<string>;
  readonly #any: boolean;

  /** `allowed`: further names, without port; `*` for any. */
  constructor(allowed: readonly string[] = []) {
    this.#names = new Set(allowed.map((name) => name.toLowerCase()));
    this.#any = this.#names.has('*');
  }

  /** `host`: as in the header, with or without a port. */
  has(host: string): boolean {
    if (this.#any) return true;
    const name = nameOf(host);
    return (
      name === 'localhost' || name.endsWith('.localhost') || isIP(unbracketed(name)) !== 0 || this.#names.has(name)
    );
  }
}

/** Throws `server/forbidden-host` where the Host header names somebody else. Programs that send none are no browsers. */
export function checkHost(names: HostNames): Middleware {
  return async (c, next) => {
    const host = c.req.header('host');
    if (host !== undefined && !names.has(host)) {
      throw new OssiaError(
        'server/forbidden-host',
        `Cannot answer as ${host.slice(0, 255)}: not a name of this server`,
      );
    }
    await next();
  };
}

/** Whether only this machine can reach an address. */
export function isLoopback(hostname: string): boolean {
  const name = unbracketed(hostname.toLowerCase());
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
}

function unbracketed(name: string): string {
  return name.startsWith('[') && name.endsWith(']') ? name.slice(1, -1) : name;
}
