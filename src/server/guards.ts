import { hostname as machineName } from 'node:os';
import { isForConsolePage } from './console/index.ts';
import type { Middleware } from './context.ts';
import type { AccessRecord, RequestScope } from './http/access.ts';
import { access } from './http/access.ts';
import { limitBody } from './http/body-limit.ts';
import { checkHost, HostNames, isLoopback } from './http/hosts.ts';
import { type ApiKey, apiKey, checkKey } from './http/keys.ts';
import { checkOrigin, Origins } from './http/origins.ts';
import { securityHeaders } from './http/security-headers.ts';
import { limitTime } from './http/time-limit.ts';
import type { Lifecycle } from './lifecycle.ts';
import { DEFAULT_HOSTNAME, DEFAULT_MAX_BODY_BYTES, type ServeOptions } from './options.ts';

export interface GuardParts {
  readonly scope: RequestScope;
  readonly lifecycle: Lifecycle;
  readonly over: (record: AccessRecord) => void;
}

function asKey(key: string | ApiKey): ApiKey {
  return typeof key === 'string' ? apiKey(key) : key;
}

/** What every request passes on its way to the routes, from the outermost in. */
export function guardsOf(options: ServeOptions, { scope, lifecycle, over }: GuardParts): Middleware[] {
  const { hostname = DEFAULT_HOSTNAME, allowedHosts = [], corsOrigins, apiKeys = [], requestTimeoutMs } = options;
  const names = new HostNames([hostname, machineName(), ...allowedHosts]);
  return [
    access(scope, over),
    securityHeaders,
    // Elsewhere a server is known by names that it does not know; there it is the origin, and keys, that are checked.
    ...(isLoopback(hostname) ? [checkHost(names)] : []),
    checkOrigin(new Origins(corsOrigins), names),
    ...(apiKeys.length === 0
      ? []
      : [checkKey(apiKeys.map(asKey), options.console === false ? undefined : isForConsolePage)]),
    lifecycle.gate,
    limitBody(options.maxBodyBytes ?? DEFAULT_MAX_BODY_BYTES),
    ...(requestTimeoutMs === undefined ? [] : [limitTime(requestTimeoutMs)]),
  ];
}
