import type { Addressee, Call } from './addressee.ts';
import { cleanArguments, takesText } from './arguments.ts';
import type { Channel } from './channel.ts';
import type { RecoveredMessage, Surface, TurnEvent } from './events.ts';
import { JsonScanner } from './json-scanner.ts';
import type { Repair } from './repairs.ts';

/**
 * A message being read. Collects the body and decides how much of it may be shown: text at once, arguments up to the end
 * of their object, and nothing while it is open what the message is.
 */
export class Draft {
  readonly contentType: string | undefined;
  readonly #parts: string[] = []; // the body as the model wrote it
  #addressee: Addressee;
  #index: number | undefined; // once it was started
  #length = 0; // of the body
  #shown = 0;
  #held = ''; // the end of the body that was not shown yet
  readonly #scanner = new JsonScanner();
  #hasTail = false; // whether words follow a complete object
  readonly #mayBecomeCall: boolean;

  /** `mayBecomeCall`: a lost recipient may yet be inferred, so text that could be arguments is held back. */
  constructor(addressee: Addressee, contentType: string | undefined, mayBecomeCall: boolean) {
    this.#addressee = addressee;
    this.contentType = contentType;
    // On final nothing is held: an answer in JSON has to stream.
    this.#mayBecomeCall = mayBecomeCall && addressee.channel !== 'final';
  }

  /** The body as the model wrote it. */
  get text(): string {
    return this.#parts.join('');
  }

  write(text: string): void {
    if (text === '') return;
    this.#parts.push(text);
    this.#length += text.length;
    this.#held += text;
    const before = this.#scanner.length;
    this.#scanner.push(text);
    const { state, length } = this.#scanner;
    if (state === 'complete') this.#hasTail ||= text.slice(length - before).trim() !== '';
  }

  get call(): Call | undefined {
    return this.#addressee.call;
  }

  get surface(): Surface | undefined {
    return this.#addressee.surface;
  }

  /** Whether the assistant wrote it to itself. */
  get isSelfAddressed(): boolean {
    return this.call === undefined && this.#addressee.recipient !== undefined;
  }

  get channel(): Channel | undefined {
    return this.#addressee.channel;
  }

  /** Says what the message is. Retracts what was shown of it as something else. */
  become(addressee: Addressee): TurnEvent[] {
    const index = this.#index;
    const isShown = index !== undefined && addressee.surface !== this.#addressee.surface;
    this.#addressee = addressee;
    if (!isShown) return [];
    this.#shown = 0;
    this.#held = this.text;
    this.#index = undefined;
    return [{ type: 'retract', index }];
  }

  /** Shows what may be shown, as the message with this index. */
  show(index: number): TurnEvent[] {
    const events = this.#start(index);
    const length = this.#safeLength() - this.#shown;
    if (length <= 0) return events;
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    return this.#showText(text, events);
  }

  /** The last of the message. `sampled` is set when nothing in it needed repair. */
  finish(index: number, isCut: boolean, sampled: readonly number[] | undefined): FinishedDraft {
    const { content, repairs, isIncomplete } = this.#cleanContent(isCut);
    const { surface, channel, recipient, call } = this.#addressee;
    const message: RecoveredMessage = {
      role: 'assistant',
      channel: channel!,
      ...(recipient === undefined ? {} : { recipient }),
      ...(this.contentType === undefined ? {} : { contentType: this.contentType }),
      content,
      surface: surface!,
      ...(call === undefined ? {} : { tool: call.tool }),
      ...(call?.kind === 'undeclared' ? { undeclared: true } : {}),
      ...(isCut || isIncomplete ? { incomplete: true } : {}),
      ...(sampled === undefined || repairs.length > 0 ? {} : { sampled }),
    };
    const events = this.#showText(content.slice(this.#shown), this.#start(index));
    events.push({ type: 'end', index, message });
    return { message, events, repairs };
  }

  #cleanContent(isCut: boolean): { content: string; repairs: readonly Repair[]; isIncomplete: boolean } {
    const { call } = this.#addressee;
    if (call === undefined || this.#takesText()) return { content: this.text, repairs: [], isIncomplete: false };
    return cleanArguments(this.text, call.kind === 'function' ? call.parameters : undefined, isCut);
  }

  #start(index: number): TurnEvent[] {
    if (this.#index !== undefined) return [];
    this.#index = index;
    const { surface, channel, call } = this.#addressee;
    const tool = call === undefined ? {} : { tool: call.tool };
    return [{ type: 'start', index, surface: surface!, channel: channel!, ...tool }];
  }

  #showText(text: string, events: TurnEvent[]): TurnEvent[] {
    if (text === '') return events;
    this.#shown += text.length;
    events.push({ type: 'delta', index: this.#index!, surface: this.surface!, text });
    return events;
  }

  /** How much of the text will certainly be content, whatever comes. */
  #safeLength(): number {
    const { call } = this.#addressee;
    if (call === undefined) return this.#mayBecomeCall && this.#isObjectSoFar() ? 0 : this.#length;
    if (this.#takesText()) return this.#length;
    if (!this.#parts[0]?.startsWith('{')) return 0;
    return this.#scanner.state === 'invalid' ? this.#length : this.#scanner.length;
  }

  #isObjectSoFar(): boolean {
    const { state, opener } = this.#scanner;
    return state !== 'invalid' && (opener ?? '{') === '{' && !this.#hasTail;
  }

  /** Python takes source text; so does a function whose schema is a string. */
  #takesText(): boolean {
    const { call } = this.#addressee;
    if (call?.kind === 'function') return takesText(call.parameters);
    return call?.kind === 'builtin' && !call.tool.startsWith('browser');
  }
}

export interface FinishedDraft {
  readonly message: RecoveredMessage;
  readonly events: readonly TurnEvent[];
  /** Repairs of its arguments. */
  readonly repairs: readonly Repair[];
}
