import { OssiaError } from '../base/index.ts';
import type { Tokenizer } from '../tokenizer/index.ts';
import { controlIds, isStop } from './format.ts';
import { type OfficialHeader, readHeaderAsBody, readOfficialHeader } from './official-header.ts';
import type { Role, TextMessage } from './types.ts';
import { decodeUtf8, utf8Prefix } from './utf8.ts';

export interface OfficialParserOptions {
  /** The role that the prompt already opened: the parser then starts inside a header. Default: it expects `<|start|>`. */
  readonly role?: Role;
  /** Whether a stop token inside the first header is header text (true) or ends a message without `<|message|>`. Default true. */
  readonly strict?: boolean;
}

export type OfficialState = 'ExpectStart' | 'Header' | 'Content';

/**
 * The official library's streaming parser (openai/harmony 0.0.8), token by token: for conformance and for looking at text
 * that is known to be well-formed. What a model wrote goes to the recovering parser.
 */
export class OfficialParser {
  readonly #tokenizer: Tokenizer;
  readonly #strict: boolean;
  readonly #messages: TextMessage[] = [];
  #givenRole: Role | undefined;
  #state: OfficialState;
  #headerIds: number[] = [];
  #header: OfficialHeader | undefined;
  #body = new OfficialBody();
  #delta: string | null = null;

  constructor(tokenizer: Tokenizer, options: OfficialParserOptions = {}) {
    this.#tokenizer = tokenizer;
    this.#strict = options.strict ?? true;
    this.#givenRole = options.role;
    this.#state = options.role === undefined ? 'ExpectStart' : 'Header';
  }

  get state(): OfficialState {
    return this.#state;
  }

  /** Finished messages. */
  get messages(): readonly TextMessage[] {
    return this.#messages;
  }

  /** The given role while in the first header, the message's while in its content. */
  get role(): Role | undefined {
    return this.#state === 'Content' ? this.#header?.role : this.#givenRole;
  }

  get channel(): string | undefined {
    return this.#header?.channel;
  }

  get recipient(): string | undefined {
    return this.#header?.recipient;
  }

  get contentType(): string | undefined {
    return this.#header?.contentType;
  }

  /** The content of the open message so far, without bytes that wait for the rest of their character. */
  get content(): string {
    return this.#body.text;
  }

  /** What the last token added to the content, or null when it completed nothing. */
  get delta(): string | null {
    return this.#delta;
  }

  /** Takes one token. Throws `harmony/parse`; the finished messages stay. */
  process(id: number): void {
    const control = controlIds(this.#tokenizer);
    this.#delta = null;
    if (this.#state === 'ExpectStart') {
      if (id !== control.start) {
        throw new OssiaError('harmony/parse', `Unexpected token ${id} while expecting start token ${control.start}`);
      }
      this.#state = 'Header';
    } else if (this.#state === 'Content') {
      if (isStop(id, control)) this.#finish();
      else this.#delta = this.#body.push(this.#bytesOf(id));
    } else if (id === control.message) {
      this.#openBody();
    } else if (!this.#strict && isStop(id, control)) {
      this.#finishHeader();
    } else {
      this.#headerIds.push(id);
    }
  }

  /** Signals the end of the stream: it closes an open message, and is an error inside a header. */
  eos(): void {
    this.#delta = null;
    if (this.#state === 'Header') {
      throw new OssiaError('harmony/parse', 'Unexpected EOS while waiting for message header to complete');
    }
    if (this.#state === 'Content') this.#finish();
  }

  #openBody(): void {
    const text = this.#takeHeader();
    this.#header = readOfficialHeader(text, this.#givenRole);
    this.#givenRole = undefined;
    this.#state = 'Content';
  }

  /** The text of the header; the parser waits for a start again in case it does not read. */
  #takeHeader(): string {
    const ids = this.#headerIds;
    this.#headerIds = [];
    this.#state = 'ExpectStart';
    const bytes: number[] = [];
    let isText = true;
    for (const id of ids) {
      const own = this.#bytesOf(id);
      isText &&= own !== undefined;
      bytes.push(...(own ?? []));
    }
    if (!isText || utf8Prefix(bytes).validBytes < bytes.length) {
      throw new OssiaError('harmony/parse', 'could not decode header');
    }
    return decodeUtf8(bytes);
  }

  #finishHeader(): void {
    const role = this.#givenRole;
    if (role === undefined) {
      // In later headers the official parser drops the text without a trace, even text that does not decode.
      this.#headerIds = [];
      this.#state = 'ExpectStart';
      return;
    }
    const text = this.#takeHeader();
    if (text !== '') this.#messages.push(readHeaderAsBody(text, role));
    this.#givenRole = undefined;
  }

  #finish(): void {
    this.#messages.push({ ...this.#header!, content: this.#body.finish() });
    this.#header = undefined;
    this.#body = new OfficialBody();
    this.#state = 'ExpectStart';
  }

  #bytesOf(id: number): Uint8Array | undefined {
    try {
      return this.#tokenizer.tokenBytes(id);
    } catch {
      return undefined; // not in the vocabulary
    }
  }
}

/** Collects the bytes of a body as the official parser does, one invalid run a token. */
class OfficialBody {
  text = '';
  #pending: number[] = [];
  #hasUnknown = false;

  /** The text that these bytes complete; null when none. Behind an id outside the vocabulary nothing decodes any more. */
  push(bytes: Uint8Array | undefined): string | null {
    this.#hasUnknown ||= bytes === undefined;
    if (this.#hasUnknown || bytes === undefined) return null;
    this.#pending.push(...bytes);
    const { validBytes, invalidBytes } = utf8Prefix(this.#pending);
    const valid = decodeUtf8(this.#pending.splice(0, validBytes));
    this.#pending.splice(0, invalidBytes);
    const delta = invalidBytes > 0 ? `${valid}\ufffd` : valid;
    this.text += delta;
    return delta === '' ? null : delta;
  }

  finish(): string {
    return this.text + (this.#hasUnknown ? '\ufffd' : '') + decodeUtf8(this.#pending);
  }
}

/** Reads a whole completion with the official parser. Throws `harmony/parse`. */
export function parse(
  ids: Iterable<number>,
  tokenizer: Tokenizer,
  options: OfficialParserOptions = {},
): readonly TextMessage[] {
  const parser = new OfficialParser(tokenizer, options);
  for (const id of ids) parser.process(id);
  parser.eos();
  return parser.messages;
}
