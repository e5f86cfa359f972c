import { randomBytes } from 'node:crypto';

/**
 * `resp_` response, `rs_` reasoning, `msg_` message, `fc_` function call, `ctc_` call of a custom tool; `ws_`, `ci_`, `mcp_`, `mcpl_`
 * and `mcpr_` what runs here; the others items of the input.
 */
export type IdPrefix =
  | 'resp'
  | 'rs'
  | 'msg'
  | 'fc'
  | 'ctc'
  | 'ws'
  | 'ci'
  | 'mcp'
  | 'mcpl'
  | 'mcpr'
  | 'fco'
  | 'ctco'
  | 'item';

/** An id that nobody can guess: 192 bits at random. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${randomBytes(24).toString('hex')}`;
}

/** Whether this is what the id of an item of ours looks like; clients have ids of their own. */
export function isOutputId(id: string): boolean {
  return /^(?:rs|msg|fc|ctc|ws|ci|mcp|mcpl|mcpr)_[0-9a-f]{48}$/.test(id);
}
