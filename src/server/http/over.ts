import type { RequestContext } from '../context.ts';

/** Calls back when the last byte of the reply is sent or the client has left. Never where there is no socket. */
export function whenOver(c: RequestContext, callback: () => void): void {
  c.env?.outgoing?.once('close', callback);
}
