import ipaddr from 'ipaddr.js';
import { PageError } from './page.ts';

/** Ports that web pages are served from. */
const webPorts = new Set(['', '80', '443', '8080', '8443']);

/** Longest address that is taken for one. */
const maxUrlLength = 4096;

/** Hosts (`wiki.intranet`, `10.1.2.3:9000`, `[fd00::1]`) that may be fetched although they are private; with a port, at that port only. */
export type PrivateHosts = readonly string[];

/**
 * The address, if it is one that may be fetched at all. What it leads to is checked when it is connected to.
 * Throws a PageError that says what is wrong.
 */
export function checkUrl(text: string, allowPrivate: PrivateHosts): URL {
  if (text.length > maxUrlLength) throw new PageError(`The address is longer than ${maxUrlLength} characters`);
  if (!URL.canParse(text))
    throw new PageError(`\`${text.slice(0, 200)}\` is not an address: give one like https://example.com/page`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new PageError(`Only http and https addresses can be opened, not ${url.protocol}`);
  }
  if (url.username !== '' || url.password !== '')
    throw new PageError('Addresses with a user name or password are not opened');
  if (allows(allowPrivate, url)) return url;
  if (!webPorts.has(url.port)) throw new PageError(`Port ${url.port} is not opened: only 80, 443, 8080 and 8443`);
  const host = bareHost(url);
  if (ipaddr.isValid(host) && !isPublic(host)) throw refused(host, host);
  return url;
}

/** Whether somebody named this host as one that may be private. */
export function allows(allowPrivate: PrivateHosts, url: URL): boolean {
  const host = url.hostname.toLowerCase();
  const port = url.port || (url.protocol === 'https:' ? '443' : '80');
  return allowPrivate.some((allowed) => {
    const name = allowed.toLowerCase();
    return name === host || name === `${host}:${port}` || name === bareHost(url);
  });
}

/** Without the brackets of IPv6. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/** Whether an address belongs to the public internet: not to this machine, its network, a cloud's metadata, or a group. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (cloudOwn.has(parsed.toString())) return false;
  // Everything that carries an IPv4 address inside is judged elsewhere than it looks; none of it is needed on the web.
  return parsed.range() === 'unicast' && (parsed.kind() === 'ipv4' || inGlobalUnicast(parsed));
}

/** Look public, and are what a cloud tells its machines about themselves: Azure's. */
const cloudOwn = new Set(['168.63.129.16']);

const globalUnicast = ipaddr.parseCIDR('2000::/3');

function inGlobalUnicast(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return address.match(globalUnicast);
}

export function refused(host: string, address: string): PageError {
  const found = host === address ? '' : ` (it is at ${address})`;
  return new PageError(`${host}${found} is a private address, which is not opened from here`);
}
