import { type Addressee, addresseeOf, callTo, surfaceOf } from './addressee.ts';
import { cleanArguments } from './arguments.ts';
import type { Author } from './author.ts';
import { CHANNELS, type Channel } from './channel.ts';
import { Draft } from './draft.ts';
import type { RecoveredMessage, TurnEvent, TurnFinish } from './events.ts';
import { inferTool } from './fits.ts';
import type { HeaderFields } from './header.ts';
import { beginsObject, isJson } from './json-scanner.ts';
import { hasTools, type Toolset } from './recipient.ts';
import { type Repair, type RepairCode, repair } from './repairs.ts';

/** How a message ended: by a stop token, by the opening of the next, by the end of the turn, or cut short. */
export type MessageEnd = 'end' | 'call' | 'return' | 'endoftext' | 'next' | 'eos' | 'cut';

/** What the header says, together with who wrote it. */
export interface Opening {
  /** The whole header. */
  readonly text: string;
  readonly author: Author;
  readonly fields: HeaderFields;
}

/** A finished message whose channel depends on what follows. */
interface Undecided {
  readonly draft: Draft;
  readonly end: MessageEnd;
  readonly isLeftover: boolean;
}

/**
 * The messages of one turn: takes headers and bodies, gives events. What was read is put right here; where the pieces begin
 * and end is the parser's business.
 */
export class Turn {
  readonly messages: RecoveredMessage[] = [];
  readonly repairs: Repair[] = [];
  /** Whether nothing more is to come: an answer was given back, or another took the word after it. */
  isOver = false;
  readonly #toolset: Toolset;
  #events: TurnEvent[] = [];
  #undecided: Undecided | undefined;
  #opening: Opening | undefined;
  #draft: Draft | undefined; // the assistant's open message
  #foreign = ''; // the body of another's
  #rest: { code: RepairCode; detail?: string; dropped: string } | undefined; // what came when the turn was over

  constructor(toolset: Toolset) {
    this.#toolset = toolset;
  }

  /** The events since the last time. */
  takeEvents(): TurnEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }

  note(code: RepairCode, detail?: string, dropped?: string): void {
    this.add(dropped === undefined ? repair(code, detail) : { ...repair(code, detail), dropped });
  }

  add(...repairs: readonly Repair[]): void {
    for (const one of repairs) {
      this.repairs.push(one);
      this.#events.push({ type: 'repair', repair: one });
    }
  }

  /** A message whose header ended with `<|message|>`. */
  open(opening: Opening): void {
    this.#opening = opening;
    this.#foreign = '';
    this.#draft = undefined;
    if (opening.author.kind !== 'assistant') return;
    this.#decideUndecided('analysis');
    const addressee = addresseeOf(opening.fields, this.#toolset);
    this.add(...addressee.repairs);
    this.#draft = new Draft(addressee, opening.fields.contentType, this.#mayBecomeCall(addressee));
    if (addressee.surface !== undefined) this.#events.push(...this.#draft.show(this.messages.length));
  }

  /** Text of the open message. */
  write(text: string): void {
    if (this.#draft === undefined) {
      this.#foreign += text;
      return;
    }
    this.#draft.write(text);
    if (this.#draft.surface !== undefined) this.#events.push(...this.#draft.show(this.messages.length));
  }

  /** The end of the open message. `sampled` gives its ids if nothing in it was repaired. */
  close(end: MessageEnd, sampled: () => readonly number[] | undefined): void {
    const { text, author, fields } = this.#opening!;
    if (author.kind === 'tool' && end === 'call') this.#callByAuthor(author.name, fields);
    else if (author.kind !== 'assistant') this.#dropForeign(author.name, text + this.#foreign);
    const draft = this.#draft;
    this.#draft = undefined;
    if (draft !== undefined) this.#closeDraft(draft, end, false, sampled);
  }

  /** A message whose header ended without `<|message|>`: what is left of the header is its body. */
  closeHeader(opening: Opening, end: MessageEnd): void {
    const { author, fields } = opening;
    if (author.kind !== 'assistant') {
      this.open(opening);
      this.write(fields.leftover);
      this.close(end, () => undefined);
      return;
    }
    const addressee = this.#addresseeOfLeftover(fields, end);
    const isCall = addressee.call !== undefined;
    this.add(...addressee.repairs);
    if (!isCall && fields.leftover.trim() === '') {
      this.note('empty-message');
      return;
    }
    if (!isCall && addressee.channel !== undefined && addressee.channel !== 'final' && !hasLetters(fields.leftover)) {
      this.note('header-junk', fields.leftover.trim());
      return;
    }
    this.#decideUndecided('analysis');
    const isAborted = addressee.repairs.some(({ code }) => code === 'call-aborted');
    const draft = new Draft(addressee, isAborted ? undefined : fields.contentType, this.#mayBecomeCall(addressee));
    draft.write(fields.leftover);
    this.#closeDraft(draft, end, true, () => undefined);
  }

  /** Text that came when the turn was over: it is in no message. */
  drop(text: string): void {
    this.#rest ??= { code: 'after-return', dropped: '' };
    this.#rest.dropped += text;
  }

  /** A stop token where nothing is open. */
  stopAgain(name: string): void {
    if (this.#rest === undefined) this.note('redundant-stop', name);
    else this.drop(name);
  }

  /** The end of the turn. */
  finish(finish: TurnFinish): void {
    this.#settle(finish);
    if (this.#rest !== undefined) this.add(this.#rest);
    this.#rest = undefined;
  }

  #settle(finish: TurnFinish): void {
    const undecided = this.#undecided;
    if (undecided === undefined) return;
    const isByItself = finish === 'stop' && undecided.end !== 'cut';
    const hasThought = this.messages.some(({ surface }) => surface === 'reasoning');
    this.#decideUndecided(!this.#hasAnswered && (hasThought || isByItself) ? 'final' : 'analysis');
  }

  /** Whether an answer or a call was given already. */
  get #hasAnswered(): boolean {
    return this.messages.some(
      ({ surface, channel }) => surface.endsWith('call') || (surface === 'text' && channel === 'final'),
    );
  }

  #mayBecomeCall({ call }: Addressee): boolean {
    return call === undefined && this.#toolset.tools.length > 0;
  }

  /** A call that broke off in its header becomes text, unless it has its arguments. */
  #addresseeOfLeftover(fields: HeaderFields, end: MessageEnd): Addressee {
    const addressee = addresseeOf(fields, this.#toolset);
    const { call } = addressee;
    const hasArguments = isJson(fields.leftover) || beginsObject(fields.leftover);
    if (call === undefined || end === 'call' || hasArguments) return addressee;
    const { recipient: _, ...rest } = fields;
    const text = addresseeOf(rest, this.#toolset);
    return { ...text, repairs: [...text.repairs, repair('call-aborted', call.recipient)] };
  }

  #closeDraft(draft: Draft, end: MessageEnd, isLeftover: boolean, sampled: () => readonly number[] | undefined): void {
    if (end === 'endoftext') this.note('endoftext');
    if (end === 'call' && draft.call === undefined) this.#inferCall(draft);
    if (draft.isSelfAddressed) this.note('self-addressed');
    if (draft.call !== undefined && (end === 'end' || end === 'return')) this.note('call-not-closed', `<|${end}|>`);

    if (draft.surface === undefined) {
      this.#undecided = { draft, end, isLeftover };
      if (end === 'return') this.#decideUndecided('final');
    } else {
      const isNotFinal = draft.call === undefined && draft.channel !== 'final';
      if (end === 'return' && isNotFinal) this.note('return-not-final');
      this.#emit(draft, end, sampled());
    }
    const last = this.messages.at(-1);
    this.isOver ||= end === 'endoftext' || (end === 'return' && last?.surface === 'text' && last.channel === 'final');
  }

  #emit(draft: Draft, end: MessageEnd, sampled: readonly number[] | undefined): void {
    const { message, events, repairs } = draft.finish(this.messages.length, end === 'cut', sampled);
    this.add(...repairs);
    this.#events.push(...events);
    this.messages.push(message);
  }

  /** A message closed by `<|call|>` without a recipient: a call only if its arguments leave no choice. */
  #inferCall(draft: Draft): void {
    const { content, repairs } = cleanArguments(draft.text, undefined, false);
    const isBare = repairs.every(({ dropped = '' }) => !hasLetters(dropped.replace(/^```\w*/, '')));
    const tool = isBare ? inferTool(content, this.#toolset.tools) : undefined; // words around it: text for the user
    if (tool === undefined) {
      this.note('stray-token', '<|call|>');
      return;
    }
    const recipient = `functions.${tool.name}`;
    const call = { kind: 'function', recipient, tool: tool.name, parameters: tool.parameters, isExact: true } as const;
    const addressee = callTo(call, recipient, draft.channel);
    this.add(repair('recipient-inferred', tool.name), ...addressee.repairs);
    this.#events.push(...draft.become(addressee));
  }

  /** A tool's name in the place of the author, closed by `<|call|>`: a call. */
  #callByAuthor(name: string, fields: HeaderFields): void {
    this.#decideUndecided('analysis');
    this.note('role-is-recipient', name);
    const { recipient, ...rest } = fields;
    if (recipient !== undefined) this.note('recipient-dropped', recipient);
    const addressee = hasTools(this.#toolset)
      ? addresseeOf({ ...rest, recipient: name }, this.#toolset)
      : addresseeOf(rest, this.#toolset);
    this.add(...addressee.repairs);
    this.#draft = new Draft(addressee, fields.contentType, false);
    this.#draft.write(this.#foreign);
  }

  #dropForeign(name: string, dropped: string): void {
    if (!this.#hasAnswered) {
      this.note('foreign-role', name, dropped);
      return;
    }
    this.isOver = true;
    this.#rest = { code: 'foreign-role', detail: name, dropped };
  }

  /** Says what the message is that was left open. Nothing but marks and digits is junk unless it is the answer. */
  #decideUndecided(channel: Channel): void {
    const undecided = this.#undecided;
    if (undecided === undefined) return;
    this.#undecided = undefined;
    const { draft, end, isLeftover } = undecided;
    this.note('channel-assumed', channel);
    if (isLeftover && channel !== 'final' && !hasLetters(draft.text)) {
      this.note('header-junk', draft.text.trim());
      return;
    }
    const surface = surfaceOf(channel);
    this.#events.push(...draft.become({ surface, channel, repairs: [] }));
    this.#emit(draft, end, undefined);
  }
}

/** Whether words are left when the channels' own are taken out. */
function hasLetters(text: string): boolean {
  return /\p{L}/u.test(CHANNELS.reduce((rest, channel) => rest.replaceAll(channel, ''), text));
}
