import { randomUUID } from 'node:crypto';

const OURS = 'call_';
const THEIRS = 'toolu_';

export function newMessageId(): string {
  return `msg_${randomUUID().replaceAll('-', '')}`;
}

/** The id of a call as this format writes it: `call_12` → `toolu_12`. */
export function toToolUseId(callId: string): string {
  return callId.startsWith(OURS) ? `${THEIRS}${callId.slice(OURS.length)}` : callId;
}

/** Back again, so that a call is known by the id under which the model made it. */
export function toCallId(toolUseId: string): string {
  return toolUseId.startsWith(THEIRS) ? `${OURS}${toolUseId.slice(THEIRS.length)}` : toolUseId;
}
