import { CONTROL } from '../format.ts';
import { type Channel, readChannel } from './channel.ts';
import type { HeaderText } from './header-text.ts';
import { CONTENT_TYPES, isBuiltin, isToolWord, resolveRecipient, type Toolset } from './recipient.ts';
import { type Repair, repair } from './repairs.ts';

/** How a header ended: with `<|message|>`, or without it, so that what is left over is the body. */
export type HeaderEnding = 'message' | 'stop';

export interface HeaderFields {
  /** Undefined: unknown or missing; what follows the message decides. */
  readonly channel?: Channel;
  readonly recipient?: string;
  readonly contentType?: string;
  /** What is left of a header without `<|message|>`, verbatim. */
  readonly leftover: string;
  readonly repairs: readonly Repair[];
}

/**
 * Reads the fields of a header in any order: channels, recipients, content types. The last channel counts, because the body
 * was conditioned on it. Words that mean nothing are junk when `<|message|>` follows; without it they begin the body.
 */
export function readHeader(header: HeaderText, from: number, ending: HeaderEnding, toolset: Toolset): HeaderFields {
  return new HeaderReader(header, ending, toolset).read(from);
}

interface Found {
  readonly text: string;
  readonly at: number;
}

class HeaderReader {
  readonly #header: HeaderText;
  readonly #ending: HeaderEnding;
  readonly #toolset: Toolset;
  readonly #channels: { channel?: Channel; text: string; at: number }[] = [];
  readonly #recipients: Found[] = [];
  /** Callable names without `to=`. */
  readonly #bareRecipients: Found[] = [];
  readonly #types: (Found & { isMarked: boolean })[] = [];
  readonly #junk: Found[] = [];
  readonly #repairs: Repair[] = [];
  #leftover: string | undefined;

  constructor(header: HeaderText, ending: HeaderEnding, toolset: Toolset) {
    this.#header = header;
    this.#ending = ending;
    this.#toolset = toolset;
  }

  read(from: number): HeaderFields {
    const { text } = this.#header;
    for (let at = from; this.#leftover === undefined && at < text.length; ) {
      const start = this.#header.skipSpace(at);
      if (start === text.length) break;
      const next = this.#field(start);
      if (next === undefined) this.#leftover ??= text.slice(at === 0 && this.#isUntouched ? 0 : start);
      else at = next;
    }
    if (this.#ending === 'stop') this.#repairs.push(repair('missing-message-token'));
    const recipient = this.#chooseRecipient();
    const contentType = this.#chooseType(recipient);
    const channel = this.#chooseChannel();
    if (this.#junk.length > 0) this.#repairs.push(repair('header-junk', this.#junk.map(({ text }) => text).join(' ')));
    return {
      ...(channel === undefined ? {} : { channel }),
      ...(recipient === undefined ? {} : { recipient: recipient.text }),
      ...(contentType === undefined ? {} : { contentType }),
      leftover: this.#leftover ?? '',
      repairs: this.#repairs,
    };
  }

  /** Whether no field was found yet: then white space belongs to the body. */
  get #isUntouched(): boolean {
    return this.#channels.length + this.#recipients.length + this.#bareRecipients.length + this.#types.length === 0;
  }

  /** Takes the field at an offset and gives the offset behind it; undefined when the body begins here. */
  #field(at: number): number | undefined {
    const control = this.#header.controlAt(at);
    if (control === CONTROL.channel) return this.#channel(at + control.length);
    if (control === CONTROL.constrain) return this.#constrain(at + control.length);
    if (control !== undefined) {
      if (this.#ending === 'stop') return undefined;
      this.#repairs.push(repair('stray-token', control));
      return at + control.length;
    }
    return this.#word(at);
  }

  #channel(at: number): number | undefined {
    const start = this.#header.skipSpace(at);
    const word = this.#header.wordAt(start);
    const read = readChannel(word);
    if (read !== undefined) {
      const text = word.slice(0, read.length);
      this.#channels.push({ channel: read.channel, text, at });
      const isGlued = /^[\p{L}]/u.test(word.slice(read.length)) && this.#ending === 'message';
      if (!read.isExact || start > at || isGlued)
        this.#repairs.push(repair('channel-normalized', isGlued ? word : text));
      return start + read.length;
    }
    // Without <|message|> the text behind the token is what the model meant to say, not a channel.
    const isField = word === '' || /^to=/.test(word);
    if (isField || this.#ending === 'stop') {
      this.#channels.push({ text: '', at });
      if (isField) return at;
      this.#leftover = this.#header.text.slice(start);
      return undefined;
    }
    this.#channels.push({ text: word, at });
    return start + word.length;
  }

  #constrain(at: number): number | undefined {
    const start = this.#header.skipSpace(at);
    const word = this.#header.wordAt(start);
    if (word === '' || word.startsWith('to=')) {
      this.#repairs.push(repair('constrain-dropped'));
      return at;
    }
    if (start > at) this.#repairs.push(repair('header-junk', this.#header.text.slice(at, start)));
    if (this.#ending === 'message') {
      const text = word.slice(0, endOfGlued(word) ?? word.length);
      this.#types.push({ text, at, isMarked: true });
      return start + text.length;
    }
    const known = CONTENT_TYPES.find((type) => isWordPrefix(word, type));
    if (known === undefined) {
      this.#leftover = this.#header.text.slice(start);
      this.#repairs.push(repair('constrain-dropped', this.#leftover));
      return undefined;
    }
    this.#types.push({ text: known, at, isMarked: true });
    return start + known.length;
  }

  #word(at: number): number | undefined {
    let word = this.#header.wordAt(at);
    if (/^to=/.test(word)) return this.#recipient(at);
    word = word.slice(0, endOfGlued(word) ?? word.length);
    const isStop = this.#ending === 'stop';
    const type = CONTENT_TYPES.find((known) => (isStop ? isWordPrefix(word, known) : word === known));
    if (type !== undefined && (!isStop || this.#recipients.length > 0 || /^[{[]/.test(word.slice(type.length)))) {
      this.#types.push({ text: type, at, isMarked: false });
      return at + type.length;
    }
    const end = this.#bareChannel(at, word);
    if (end !== undefined) return end;
    if (isToolWord(word, this.#toolset) && (!isStop || isNamespaced(word, this.#toolset))) {
      this.#bareRecipients.push({ text: word, at });
      return at + word.length;
    }
    if (isStop) return undefined;
    this.#junk.push({ text: word, at });
    return at + word.length;
  }

  /** A channel word without its token. */
  #bareChannel(at: number, word: string): number | undefined {
    if (this.#channels.length > 0 || this.#header.has(CONTROL.channel)) return undefined;
    const read = readChannel(word);
    if (read === undefined || !read.isExact) return undefined;
    if (read.length < word.length && !word.startsWith('to=', read.length)) return undefined;
    this.#channels.push({ channel: read.channel, text: read.channel, at });
    this.#repairs.push(repair('missing-channel-token', read.channel));
    return at + read.length;
  }

  #recipient(at: number): number {
    const word = this.#header.wordAt(at).slice('to='.length);
    // Without <|message|> the arguments may follow at once.
    const name = this.#ending === 'stop' ? word.replace(/[{[].*$/s, '') : word;
    const end = at + 'to='.length + name.length;
    if (name !== '') {
      this.#recipients.push({ text: name, at });
      return end;
    }
    const next = this.#header.skipSpace(end);
    const nextWord = this.#header.wordAt(next);
    if (isToolWord(nextWord, this.#toolset)) {
      this.#recipients.push({ text: nextWord, at });
      this.#repairs.push(repair('recipient-normalized', this.#header.text.slice(at, next + nextWord.length)));
      return next + nextWord.length;
    }
    this.#repairs.push(repair('recipient-empty'));
    return end;
  }

  #chooseRecipient(): Found | undefined {
    const isLost = /^(?:functions|(?:function|tools|tool)\.|functions\.)$/;
    const named = this.#recipients.filter(({ text }) => !isLost.test(text));
    if (named.length < this.#recipients.length) this.#repairs.push(repair('recipient-empty'));
    if (named.length > 1) {
      this.#repairs.push(repair('duplicate-recipient', named.map(({ text }) => text).join(' ')));
    }
    // The last one, unless it can have no call and an earlier one can.
    const chosen = named.findLast(({ text }) => isCallable(text, this.#toolset)) ?? named.at(-1);
    const [bare] = this.#bareRecipients;
    if (chosen !== undefined || bare === undefined) {
      this.#junk.push(...this.#bareRecipients);
      return chosen;
    }
    this.#junk.push(...this.#bareRecipients.slice(1));
    this.#repairs.push(repair('recipient-missing-to', bare.text));
    return bare;
  }

  /** A marked type counts more than a plain one, a known one more than another; of several marked ones the last. */
  #chooseType(recipient: Found | undefined): string | undefined {
    const marked = this.#types.filter(({ isMarked }) => isMarked);
    const chosen = marked.findLast(({ text }) => CONTENT_TYPES.includes(text)) ?? marked.at(-1) ?? this.#types[0];
    for (const type of this.#types) {
      if (type === chosen) continue;
      if (type.isMarked) this.#repairs.push(repair('constrain-dropped', type.text));
      this.#junk.push(type);
    }
    const type = chosen ?? this.#adoptType(recipient);
    if (type === undefined) return undefined;
    const text = type.isMarked ? `${CONTROL.constrain}${type.text}` : type.text;
    if (recipient === undefined) this.#repairs.push(repair('type-not-recipient', text));
    else if (type.at < recipient.at) this.#repairs.push(repair('constrain-order'));
    return text;
  }

  /** Any word behind the recipient is a content type if it is the only one: the format has no list of them. */
  #adoptType(recipient: Found | undefined): (Found & { isMarked: boolean }) | undefined {
    const [word] = this.#junk;
    if (recipient === undefined || word === undefined || this.#junk.length > 1 || word.at < recipient.at)
      return undefined;
    if (!/^\p{L}[\w.+/-]*$/u.test(word.text)) return undefined;
    this.#junk.length = 0;
    return { ...word, isMarked: false };
  }

  #chooseChannel(): Channel | undefined {
    if (this.#channels.length > 1) this.#repairs.push(repair('duplicate-channel'));
    const chosen = this.#channels.findLast(({ text }) => text !== '');
    for (const other of this.#channels) {
      if (other !== chosen && other.channel === undefined && other.text !== '') this.#junk.push(other);
    }
    if (chosen !== undefined && chosen.channel === undefined) {
      this.#repairs.push(repair('channel-unknown', chosen.text));
    }
    if (chosen === undefined && this.#channels.length > 0) this.#repairs.push(repair('channel-empty'));
    return chosen?.channel;
  }
}

/** Where a recipient begins that is glued to a content type or to marks: `jsonto=functions.f`, `?to=functions.f`. */
function endOfGlued(word: string): number | undefined {
  return /^(?:json|code|[^\p{L}\p{N}]+)(?=to=)/u.exec(word)?.[0].length;
}

function isCallable(recipient: string, toolset: Toolset): boolean {
  const { kind } = resolveRecipient(recipient, toolset);
  return kind === 'function' || kind === 'builtin';
}

/** Whether text begins with a word that ends there: `json{"a":1}`, not `jsonp`. */
function isWordPrefix(text: string, word: string): boolean {
  return text.startsWith(word) && !/^[\p{L}\p{N}_]/u.test(text.slice(word.length));
}

/** A bare `read` may be an ordinary word of a text; `functions.read` and `browser.search` are not. */
function isNamespaced(word: string, toolset: Toolset): boolean {
  return word.startsWith('functions.') || (word.includes('.') && isBuiltin(word, toolset));
}
