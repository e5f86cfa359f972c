import { randomUUID } from 'node:crypto';

/** What a log line and a header can bear: printable, short, without spaces. */
const SANE = /^[\w.:/+=@-]{1,128}$/;

export function newRequestId(): string {
  return `req_${randomUUID().replaceAll('-', '')}`;
}

/** The id that the client (or a proxy before us) gave its request, when it is a sane one; else a new one. */
export function requestIdOf(header: string | undefined): string {
  return header !== undefined && SANE.test(header) ? header : newRequestId();
}
