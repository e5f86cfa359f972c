import type { TextMessage } from '../types.ts';
import type { Channel } from './channel.ts';
import type { Repair } from './repairs.ts';

/** What a message is to whoever reads the turn. */
export type Surface = 'reasoning' | 'text' | 'tool_call' | 'builtin_call';

/** A message of the assistant's turn, put right. */
export interface RecoveredMessage extends TextMessage {
  readonly role: 'assistant';
  readonly channel: Channel;
  readonly surface: Surface;
  /** The function's name as it was declared, or as the model wrote it. For calls. */
  readonly tool?: string;
  /** The function was not declared. */
  readonly undeclared?: true;
  /** The message was cut short: by a token limit, or arguments that break off. */
  readonly incomplete?: true;
}

/**
 * How a turn comes about. `start`, any number of `delta`, `end` for each message, one message at a time; the deltas of a
 * message together are its content. `index` counts messages.
 */
export type TurnEvent =
  | {
      readonly type: 'start';
      readonly index: number;
      readonly surface: Surface;
      readonly channel: Channel;
      readonly tool?: string;
    }
  | { readonly type: 'delta'; readonly index: number; readonly surface: Surface; readonly text: string }
  /** What was shown of this message is void: it starts again. Only for text that turned out to be a call: an answer, or arguments in a fence. */
  | { readonly type: 'retract'; readonly index: number }
  | { readonly type: 'end'; readonly index: number; readonly message: RecoveredMessage }
  | { readonly type: 'repair'; readonly repair: Repair };

/** Why sampling ended: a stop token or the end of the text, the token limit, or the user. */
export type TurnFinish = 'stop' | 'length' | 'cancelled';
