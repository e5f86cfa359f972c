import type { Tokenizer } from '../../tokenizer/index.ts';
import { CONTROL, controlIds, END_OF_TEXT } from '../format.ts';
import { type HeaderOrigin, OPENERS, opensChannel, opensMessage, readAuthor } from './author.ts';
import { CHANNELS } from './channel.ts';
import type { RecoveredMessage, TurnEvent, TurnFinish } from './events.ts';
import { readHeader } from './header.ts';
import { HeaderText } from './header-text.ts';
import { beginsObject } from './json-scanner.ts';
import type { DeclaredTool, Toolset } from './recipient.ts';
import type { Repair } from './repairs.ts';
import { type MessageEnd, type Opening, Turn } from './turn.ts';

export interface RecoveringParserOptions {
  /** Functions that the model may call. Default none. */
  readonly tools?: readonly DeclaredTool[];
  /** Enabled builtins: `python`, `browser`. Default none. */
  readonly builtins?: readonly string[];
}

const STOPS: ReadonlyMap<string, MessageEnd> = new Map([
  [CONTROL.end, 'end'],
  [CONTROL.call, 'call'],
  [CONTROL.return, 'return'],
  [END_OF_TEXT, 'endoftext'],
]);

/** A `<|start|>` or `<|channel|>` inside a body: what follows tells whether it is text or opens the next message. */
interface Mark {
  readonly name: string;
  readonly firstId: number; // index into the message's ids
  repeats: number; // how many times it came in a row
  text: string;
}

/**
 * Reads what a model wrote behind `<|start|>assistant`: streams it, and puts right what is malformed. Total: whatever the
 * tokens are, it never throws, loses no text and names every repair. Well-formed turns give what the official parser gives.
 *
 * ```ts
 * const parser = new RecoveringParser(tokenizer, { tools });
 * for await (const { id } of tokens) for (const event of parser.push(id)) show(event);
 * for (const event of parser.end('stop')) show(event);
 * parser.messages; parser.repairs;
 * ```
 */
export class RecoveringParser {
  readonly #tokenizer: Tokenizer;
  readonly #toolset: Toolset;
  readonly #turn: Turn;
  readonly #controls: ReadonlyMap<number, string>;
  #state: 'header' | 'body' | 'between' = 'header';
  #origin: HeaderOrigin = 'prompt';
  #header = new HeaderText();
  #mark: Mark | undefined;
  #ids: number[] = []; // of the message being read
  #repairsBefore = 0;
  #decoder = newDecoder();

  constructor(tokenizer: Tokenizer, options: RecoveringParserOptions = {}) {
    controlIds(tokenizer);
    this.#tokenizer = tokenizer;
    this.#toolset = { tools: options.tools ?? [], builtins: options.builtins ?? [] };
    this.#turn = new Turn(this.#toolset);
    this.#controls = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  }

  /** Finished messages; complete after `end`. */
  get messages(): readonly RecoveredMessage[] {
    return this.#turn.messages;
  }

  /** What had to be put right so far; empty after `end` when the turn was well-formed. */
  get repairs(): readonly Repair[] {
    return this.#turn.repairs;
  }

  /** Takes one token and gives what is certain now. */
  push(id: number): TurnEvent[] {
    const control = this.#controls.get(id);
    if (control !== undefined) {
      this.#text(this.#decoder.decode()); // half a character before it
      this.#ids.push(id);
      this.#control(control);
    } else {
      this.#ids.push(id);
      this.#text(this.#decode(id));
    }
    return this.#turn.takeEvents();
  }

  /** The end of the turn: the rest of the events. Call it once. */
  end(finish: TurnFinish): TurnEvent[] {
    this.#text(this.#decoder.decode());
    if (this.#mark !== undefined) this.#resolveMark(undefined, true);
    const end: MessageEnd = finish === 'stop' ? 'eos' : 'cut';
    if (this.#state === 'body') this.#closeBody(end);
    else if (this.#state === 'header') this.#endInHeader(end);
    this.#turn.finish(finish);
    this.#state = 'between';
    return this.#turn.takeEvents();
  }

  #decode(id: number): string {
    try {
      return this.#decoder.decode(this.#tokenizer.tokenBytes(id), { stream: true });
    } catch {
      this.#turn.note('stray-token', String(id)); // outside the vocabulary
      return `${this.#decoder.decode()}\ufffd`;
    }
  }

  #text(text: string): void {
    if (text === '') return;
    if (this.#turn.isOver) this.#turn.drop(text);
    else if (this.#mark !== undefined) this.#markText(text);
    else if (this.#state === 'body') this.#turn.write(text);
    else {
      if (this.#state === 'between') this.#openHeader('nothing');
      this.#header.push(text);
    }
  }

  #control(name: string): void {
    const stop = STOPS.get(name);
    if (this.#mark !== undefined) {
      if (name === CONTROL.start && this.#mark.name === name && this.#mark.text === '') {
        this.#mark.repeats++;
        return;
      }
      this.#resolveMark(name, true);
    }
    if (this.#turn.isOver) {
      if (stop === undefined) this.#turn.drop(name);
      else this.#turn.stopAgain(name);
    } else if (this.#state === 'body') this.#controlInBody(name, stop);
    else if (this.#state === 'header') this.#controlInHeader(name, stop);
    else this.#controlBetween(name, stop);
  }

  #controlBetween(name: string, stop: MessageEnd | undefined): void {
    if (name === CONTROL.start) this.#openHeader('start');
    else if (stop === undefined) {
      this.#openHeader('nothing');
      this.#controlInHeader(name, stop);
    } else {
      if (stop === 'endoftext') this.#turn.note('endoftext');
      else this.#turn.stopAgain(name);
      this.#turn.isOver ||= stop === 'endoftext' || stop === 'return';
    }
  }

  #controlInHeader(name: string, stop: MessageEnd | undefined): void {
    if (stop !== undefined) this.#closeHeader(stop);
    else if (name === CONTROL.message) this.#openBody();
    else if (name !== CONTROL.start) this.#header.pushControl(name);
    else if (this.#header.isBlank && this.#origin !== 'nothing') {
      this.#turn.note('duplicate-start');
      this.#origin = 'start';
    } else {
      this.#ids.pop();
      this.#closeHeader('next');
      if (this.#turn.isOver) this.#turn.drop(name);
      else this.#openHeader('start', [controlIds(this.#tokenizer).start]);
    }
  }

  #controlInBody(name: string, stop: MessageEnd | undefined): void {
    if (stop !== undefined) this.#closeBody(stop);
    else if (OPENERS.includes(name)) this.#mark = { name, firstId: this.#ids.length - 1, repeats: 1, text: '' };
    else this.#literal(name);
  }

  /** A control token that means nothing in a body is text there. */
  #literal(name: string): void {
    this.#turn.note('special-as-text', name);
    this.#turn.write(name);
  }

  #markText(text: string): void {
    this.#mark!.text += text;
    this.#resolveMark(undefined, false);
  }

  /** `isClosed`: no more text belongs to the mark; `control` follows it, if any. */
  #resolveMark(control: string | undefined, isClosed: boolean): void {
    const { name, firstId, repeats, text } = this.#mark!;
    const isStart = name === CONTROL.start;
    const opens = isStart
      ? opensMessage(text, isClosed, control, this.#toolset)
      : opensChannel(text, isClosed, control);
    if (opens === undefined) return;
    this.#mark = undefined;
    if (!opens) {
      for (let i = 0; i < repeats; i++) this.#literal(name);
      this.#turn.write(text);
      return;
    }
    // The control token that follows is no part of this text, but already among the ids.
    const ids = this.#ids.splice(firstId);
    this.#turn.note('missing-end');
    this.#closeBody('next');
    if (this.#turn.isOver) {
      this.#turn.drop(name.repeat(repeats) + text);
      return;
    }
    this.#openHeader(isStart ? 'start' : 'nothing', ids);
    if (repeats > 1) this.#turn.note('duplicate-start');
    if (!isStart) this.#header.pushControl(name);
    this.#header.push(text);
  }

  #openHeader(origin: HeaderOrigin, ids: number[] = this.#ids.slice(-1)): void {
    this.#header = new HeaderText();
    this.#origin = origin;
    this.#state = 'header';
    this.#ids = ids;
    this.#repairsBefore = this.#turn.repairs.length;
    if (origin === 'nothing') this.#turn.note('missing-start');
  }

  #openBody(): void {
    this.#turn.open(this.#readOpening('message'));
    this.#state = 'body';
  }

  #readOpening(ending: 'message' | 'stop'): Opening {
    const { author, end, repairs } = readAuthor(this.#header, this.#origin, ending, this.#toolset);
    const fields = readHeader(this.#header, end, ending, this.#toolset);
    this.#turn.add(...repairs, ...fields.repairs);
    return { text: this.#header.text, author, fields };
  }

  #closeHeader(end: MessageEnd): void {
    this.#state = 'between';
    if (!this.#header.isBlank) {
      this.#turn.closeHeader(this.#readOpening('stop'), end);
    } else if (this.#header.text !== '') {
      this.#turn.note('stray-token', JSON.stringify(this.#header.text), this.#header.text);
    } else {
      this.#turn.note('empty-message');
    }
    if (end === 'endoftext' && !this.#turn.isOver) this.#turn.isOver = true;
  }

  #closeBody(end: MessageEnd): void {
    const ids = this.#ids;
    this.#ids = [];
    this.#state = 'between';
    this.#turn.close(end, () => (this.#turn.repairs.length === this.#repairsBefore ? ids : undefined));
    if (end === 'endoftext') this.#turn.isOver = true;
  }

  /** The turn ended before `<|message|>`. A header that was cut says nothing yet, unless words of a body stand in it. */
  #endInHeader(end: MessageEnd): void {
    if (end === 'eos' && !this.#header.isBlank) {
      this.#closeHeader(end);
      return;
    }
    const { text } = this.#header;
    const isNothing = text === '' && this.#origin === 'prompt' && end === 'eos';
    if (isNothing) this.#turn.note('empty-message');
    else if (this.#hasBodyWords()) {
      this.#turn.note('header-incomplete');
      this.#closeHeader(end);
    } else this.#turn.note('header-incomplete', text === '' ? undefined : text);
  }

  /** Whether a cut header holds text that can only be a body: behind a channel, or in place of a header. */
  #hasBodyWords(): boolean {
    const { author, end } = readAuthor(this.#header, this.#origin, 'stop', this.#toolset);
    const { channel, recipient, leftover } = readHeader(this.#header, end, 'stop', this.#toolset);
    if (author.kind !== 'assistant') return false;
    if (recipient !== undefined && beginsObject(leftover)) return true;
    const isTypeBegun = recipient !== undefined && !/\S\s+\S/.test(leftover);
    if (!/\p{L}/u.test(leftover) || isTypeBegun) return false;
    if (channel !== undefined) return true;
    const isWordBegun = ['assistant', ...CHANNELS].some((word) => word.startsWith(leftover.trim()));
    return this.#origin !== 'start' && !this.#header.hasControls && !isWordBegun;
  }
}

/** Reads a whole turn at once. */
export function recover(
  ids: Iterable<number>,
  tokenizer: Tokenizer,
  options: RecoveringParserOptions & { readonly finish?: TurnFinish } = {},
): { readonly messages: readonly RecoveredMessage[]; readonly repairs: readonly Repair[] } {
  const parser = new RecoveringParser(tokenizer, options);
  for (const id of ids) parser.push(id);
  parser.end(options.finish ?? 'stop');
  return { messages: parser.messages, repairs: parser.repairs };
}

function newDecoder() {
  return new TextDecoder('utf-8', { ignoreBOM: true });
}
