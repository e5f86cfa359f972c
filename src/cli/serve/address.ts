import { isIP } from 'node:net';
import { DEFAULT_HOSTNAME, DEFAULT_PORT } from '../../server/index.ts';
import { usage } from '../failure.ts';

export interface Address {
  readonly hostname: string;
  readonly port: number;
}

/** Where to listen: `host`, `host:port`, `:port`, `[::1]:port`, or a URL of these. What is missing is the default. */
export function parseAddress(text: string): Address {
  const bare = text
    .trim()
    .replace(/^https?:\/\//i, '')
    .replace(/\/+$/, '');
  const { host, port } = split(bare);
  const isHost = host === '' || isIP(host) !== 0 || /^[\w.-]+$/.test(host);
  if (bare === '' || !isHost || !/^\d{0,5}$/.test(port) || Number(port) > 65_535) {
    throw usage(`Cannot listen on "${text}"`, 'Give a host, host:port or :port, as in 127.0.0.1:6774');
  }
  return { hostname: host || DEFAULT_HOSTNAME, port: port === '' ? DEFAULT_PORT : Number(port) };
}

function split(text: string): { readonly host: string; readonly port: string } {
  const [, bracketed, after] = /^\[([^\]]*)\](?::(\d+))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: after ?? '' };
  if (isIP(text) === 6) return { host: text, port: '' };
  const colon = text.indexOf(':');
  return colon === -1 ? { host: text, port: '' } : { host: text.slice(0, colon), port: text.slice(colon + 1) };
}
