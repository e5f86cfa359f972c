import type { Approval } from '../../../chat/index.ts';
import type { InputItem } from '../items.ts';

/** What people said of calls that waited, by the id of the request for it. */
export function readApprovals(items: readonly InputItem[]): ReadonlyMap<string, Approval> {
  const answers = items.filter(({ type }) => type === 'mcp_approval_response');
  return new Map(answers.map((item) => [String(item.approval_request_id), approvalOf(item)]));
}

export function approvalOf({ approve, reason }: InputItem): Approval {
  return { allowed: approve === true, ...(typeof reason === 'string' && reason !== '' ? { reason } : {}) };
}
