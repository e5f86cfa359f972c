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
  /** The body as the model wrote it. */
  text = '';
  readonly contentType: string | undefined;
  #addressee: Addressee;
  #shown = 0;
  #index: number | undefined; // once it was started
  readonly #scanner = new JsonScanner();
  #scanned = 0;
  readonly #mayBecomeCall: boolean;

  /** `mayBecomeCall`: a lost recipient may yet be inferred, so text that could be arguments is held back. */
  constructor(addressee: Addressee, contentType: string | undefined, mayBecomeCall: boolean) {
    this.#addressee = addressee;
    this.contentType = contentType;
    // On final nothing is held: an answer in JSON has to stream.
    this.#mayBecomeCall = mayBecomeCall && addressee.channel !== 'final';
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
    this.#index = undefined;
    return [{ type: 'retract', index }];
  }

  /** Shows what may be shown, as the message with this index. */
  show(index: number): TurnEvent[] {
    const events = this.#start(index);
    return this.#showTo(this.#safeLength(), this.text, events);
  }

  /** The last of the message. `sampled` is set when nothing in it needed repair. */
  finish(index: number, isCut: boolean, sampled: readonly number[] | undefined): FinishedDraft {
    const { content, repairs, isIncomplete } = this.#cleanContent();
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
    const events = this.#showTo(content.length, content, this.#start(index));
    events.push({ type: 'end', index, message });
    return { message, events, repairs };
  }

  #cleanContent(): { content: string; repairs: readonly Repair[]; isIncomplete: boolean } {
    const { call } = this.#addressee;
    if (call === undefined || this.#takesText()) return { content: this.text, repairs: [], isIncomplete: false };
    return cleanArguments(this.text, call.kind === 'function' ? call.parameters : undefined);
  }

  #start(index: number): TurnEvent[] {
    if (this.#index !== undefined) return [];
    this.#index = index;
    const { surface, channel, call } = this.#addressee;
    const tool = call === undefined ? {} : { tool: call.tool };
    return [{ type: 'start', index, surface: surface!, channel: channel!, ...tool }];
  }

  #showTo(length: number, content: string, events: TurnEvent[]): TurnEvent[] {
    if (length <= this.#shown) return events;
    const text = content.slice(this.#shown, length);
    this.#shown = length;
    events.push({ type: 'delta', index: this.#index!, surface: this.surface!, text });
    return events;
  }

  /** How much of the text will certainly be content, whatever comes. */
  #safeLength(): number {
    const { call } = this.#addressee;
    if (call === undefined) return this.#mayBecomeCall && this.#isObjectSoFar() ? 0 : this.text.length;
    if (this.#takesText()) return this.text.length;
    if (!this.text.startsWith('{')) return 0;
    this.#scan();
    return this.#scanner.state === 'invalid' ? this.text.length : this.#scanner.length;
  }

  #isObjectSoFar(): boolean {
    this.#scan();
    const { state, length } = this.#scanner;
    if (state === 'open') return /^\s*(?:\{|$)/.test(this.text);
    return state === 'complete' && this.text.slice(length).trim() === '';
  }

  #scan(): void {
    this.#scanner.push(this.text.slice(this.#scanned));
    this.#scanned = this.text.length;
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
