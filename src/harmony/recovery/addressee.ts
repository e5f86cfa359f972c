import type { Channel } from './channel.ts';
import type { Surface } from './events.ts';
import type { HeaderFields } from './header.ts';
import { hasTools, type Recipient, resolveRecipient, type Toolset } from './recipient.ts';
import { type Repair, repair } from './repairs.ts';

export type Call = Extract<Recipient, { kind: 'function' | 'builtin' | 'undeclared' }>;

/** Whom a message is for, and where it appears. */
export interface Addressee {
  /** Undefined: nothing says what the text is; what follows the message decides. */
  readonly surface?: Surface;
  readonly channel?: Channel;
  readonly recipient?: string;
  readonly call?: Call;
  readonly repairs: readonly Repair[];
}

/** Takes the fields of a header to whom the message is for. A call is a call on any channel. */
export function addresseeOf({ channel, recipient }: HeaderFields, toolset: Toolset): Addressee {
  if (recipient === undefined) return byChannel(channel, []);
  const resolved = resolveRecipient(recipient, toolset);
  if (resolved.kind === 'self') {
    const assumed = channel === undefined ? [repair('channel-assumed', 'analysis')] : [];
    return { surface: 'reasoning', channel: channel ?? 'analysis', recipient, repairs: assumed };
  }
  if (resolved.kind === 'nobody') return byChannel(channel, [repair('recipient-dropped', recipient)]);
  if (!hasTools(toolset)) return byChannel(channel, [repair('recipient-without-tools', recipient)]);
  return callTo(resolved, recipient, channel);
}

/** A message without a recipient is what its channel says. */
function byChannel(channel: Channel | undefined, repairs: readonly Repair[]): Addressee {
  return channel === undefined ? { repairs } : { surface: surfaceOf(channel), channel, repairs };
}

export function surfaceOf(channel: Channel): Surface {
  return channel === 'analysis' ? 'reasoning' : 'text';
}

/** `written` is the recipient as the model wrote it. */
export function callTo(call: Call, written: string, channel: Channel | undefined): Addressee {
  const repairs: Repair[] = [];
  if (call.kind === 'undeclared') repairs.push(repair('tool-undeclared', call.tool));
  else if (!call.isExact) repairs.push(repair('recipient-normalized', written));
  if (channel === 'final') repairs.push(repair('call-on-final'));
  // Functions are called on commentary, builtins while thinking.
  const usual = call.kind === 'builtin' ? 'analysis' : 'commentary';
  if (channel === undefined) repairs.push(repair('channel-assumed', usual));
  return {
    surface: call.kind === 'builtin' ? 'builtin_call' : 'tool_call',
    channel: channel ?? usual,
    recipient: call.recipient,
    call,
    repairs,
  };
}
