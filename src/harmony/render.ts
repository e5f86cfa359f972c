import { OssiaError } from '../base/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { CONTROL, type ControlName, controlIds, END_OF_TEXT, isStop } from './format.ts';
import { type HistoryRule, selectHistory } from './history.ts';
import { developerText, systemText } from './sections.ts';
import type { Content, Conversation, Message, Role } from './types.ts';

export interface RenderOptions {
  /**
   * `completion` ends with `<|start|>` and the next role, ready for sampling; `conversation` has the messages only;
   * `training` is that with `<|return|>` behind a last answer; `message` renders the first message alone. Default `completion`.
   */
  readonly mode?: 'completion' | 'conversation' | 'training' | 'message';
  /** Who speaks next, in mode `completion`. Default `assistant`. */
  readonly nextRole?: Role;
  /** Which thoughts of the past are rendered. Default `per-turn`. */
  readonly history?: HistoryRule;
  /**
   * Where a past call's recipient stands. `model` puts the channel first, as the models write it: recipient-first history is
   * reported to push later calls off their channel. `official` puts the recipient first, as the official renderer does.
   * Default `model`.
   */
  readonly callOrder?: 'model' | 'official';
  /** In mode `message`: whether the conversation around it declares functions. Default false. */
  readonly hasFunctionTools?: boolean;
}

/**
 * A conversation as token ids. Every piece of text is encoded apart, as ordinary text: control tokens come from structure
 * only, never from what somebody wrote. With `history` and `callOrder` official: byte-exact with openai/harmony 0.0.8.
 *
 * Throws `harmony/bad-conversation` for a tool message without a name and for system or developer content in a message of
 * another role.
 */
export function render(conversation: Conversation, tokenizer: Tokenizer, options: RenderOptions = {}): number[] {
  const control = controlIds(tokenizer);
  const ids: number[] = [];
  for (const piece of pieces(conversation, tokenizer, options)) {
    if (typeof piece === 'string') append(ids, tokenizer.encode(piece));
    else if ('control' in piece) ids.push(control[piece.control]);
    else append(ids, piece.sampled);
  }
  return ids;
}

/** The same as text, control tokens by name: for people. Only the ids can tell a control token from its typed name. */
export function renderText(conversation: Conversation, tokenizer: Tokenizer, options: RenderOptions = {}): string {
  return pieces(conversation, tokenizer, options)
    .map((piece) => {
      if (typeof piece === 'string') return piece;
      return 'control' in piece ? CONTROL[piece.control] : tokenizer.decode(piece.sampled);
    })
    .join('');
}

/** Ordinary text, a control token, or ids that a model sampled. */
type Piece = string | { readonly control: ControlName } | { readonly sampled: readonly number[] };

function pieces(conversation: Conversation, tokenizer: Tokenizer, options: RenderOptions): Piece[] {
  const { mode = 'completion', history = 'per-turn' } = options;
  if (mode === 'message') {
    const context = { tokenizer, ...options, hasFunctionTools: options.hasFunctionTools ?? false };
    return conversation.messages.slice(0, 1).flatMap((message) => messagePieces(message, context));
  }
  const { messages } = conversation;
  const context = { tokenizer, ...options, hasFunctionTools: messages.some(declaresFunctions) };
  const rendered = selectHistory(messages, history).flatMap((message) => messagePieces(message, context));
  if (mode === 'completion') return [...rendered, { control: 'start' }, options.nextRole ?? 'assistant'];

  const last = messages.at(-1);
  if (mode === 'training' && last?.role === 'assistant' && last.channel === 'final') {
    rendered[rendered.length - 1] = { control: 'return' };
  }
  return rendered;
}

/** Also messages that the history rule drops count, and only the key `functions` does: the official rule. */
function declaresFunctions(message: Message): boolean {
  if (typeof message.content === 'string') return false;
  return message.content.some((part) => part.type === 'developer' && (part.tools?.functions?.tools.length ?? 0) > 0);
}

interface MessageContext extends RenderOptions {
  readonly tokenizer: Tokenizer;
  readonly hasFunctionTools: boolean;
}

function messagePieces(message: Message, context: MessageContext): Piece[] {
  if (message.sampled !== undefined) return sampledPieces(message, message.sampled, context.tokenizer);
  return [
    { control: 'start' },
    ...headerPieces(message, context.callOrder ?? 'model'),
    { control: 'message' },
    ...contentParts(message).map((part) => contentText(part, message.role, context.hasFunctionTools)),
    { control: stopOf(message) },
  ];
}

function headerPieces(message: Message, callOrder: 'model' | 'official'): Piece[] {
  const { role, name, recipient, channel, contentType } = message;
  const pieces: Piece[] = [];
  if (role === 'tool') {
    if (name === undefined) {
      throw new OssiaError('harmony/bad-conversation', 'Cannot render a tool message: Tools should have a name!');
    }
    pieces.push(name);
  } else {
    pieces.push(role);
    if (name !== undefined) pieces.push(`:${name}`);
  }
  const to: Piece[] = recipient === undefined || recipient === 'all' ? [] : [` to=${recipient}`];
  const lane: Piece[] = channel === undefined ? [] : [{ control: 'channel' }, channel];
  // Results of tools keep the official order: that is how the models met them in training.
  if (role === 'assistant' && callOrder === 'model') pieces.push(...lane, ...to);
  else pieces.push(...to, ...lane);
  return contentType === undefined ? pieces : [...pieces, ...contentTypePieces(contentType)];
}

function contentTypePieces(contentType: string): Piece[] {
  if (!contentType.startsWith(CONTROL.constrain)) return [` ${contentType}`];
  return [' ', { control: 'constrain' }, contentType.slice(CONTROL.constrain.length)];
}

function contentParts({ content }: Message): readonly Content[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : content;
}

function contentText(part: Content, role: Role, hasFunctionTools: boolean): string {
  if (part.type === 'text') return part.text;
  if (part.type !== role) {
    const kind = part.type === 'system' ? 'SystemContent' : 'DeveloperContent';
    throw new OssiaError(
      'harmony/bad-conversation',
      `Cannot render a message: ${kind} may only appear in ${part.type} messages, found in ${role}`,
    );
  }
  return part.type === 'system' ? systemText(part, hasFunctionTools) : developerText(part);
}

function stopOf({ role, recipient }: Message): 'call' | 'end' {
  return role === 'assistant' && recipient !== undefined ? 'call' : 'end';
}

/** What the model wrote, opened as the prompt opened it and closed even where it was cut. */
function sampledPieces(message: Message, sampled: readonly number[], tokenizer: Tokenizer): Piece[] {
  const control = controlIds(tokenizer);
  const opening: Piece[] = sampled[0] === control.start ? [] : [{ control: 'start' }, message.role];
  const last = sampled.at(-1);
  const isClosed = last !== undefined && (isStop(last, control) || last === tokenizer.specials.get(END_OF_TEXT));
  const stop =
    last === control.call ? 'call' : last === control.return || last === control.end ? 'end' : stopOf(message);
  return [...opening, { sampled: isClosed ? sampled.slice(0, -1) : sampled }, { control: stop }];
}

/** Spreading a long list into `push` would exhaust the stack. */
function append(ids: number[], more: readonly number[]): void {
  for (const id of more) ids.push(id);
}
