/** Where a command writes, and whether that is a terminal that shows colours. */
export interface Terminal {
  readonly out: Channel;
  readonly err: Channel;
  /** Standard input is a keyboard. */
  readonly interactive: boolean;
}

/** One output stream. Every style closes itself, so an interruption can never leave a terminal dimmed. */
export class Channel {
  readonly #stream: NodeJS.WriteStream;
  readonly #colours: boolean;
  #atLineStart = true;

  constructor(stream: NodeJS.WriteStream, colours: boolean) {
    this.#stream = stream;
    this.#colours = colours;
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  /** Characters in a line; 80 where nobody knows. */
  get columns(): number {
    return this.#stream.columns || 80;
  }

  write(text: string): void {
    if (text === '') return;
    this.#stream.write(text);
    this.#atLineStart = text.endsWith('\n');
  }

  line(text = ''): void {
    this.write(`${text}\n`);
  }

  /** Ends the line that is open, if one is. */
  freshLine(): void {
    if (!this.#atLineStart) this.write('\n');
  }

  /** Overwrites the current line: for progress, on terminals only. */
  replaceLine(text: string): void {
    this.#stream.write(`\r\x1b[2K${text}`);
    this.#atLineStart = text === '';
  }

  dim(text: string): string {
    return this.#style(text, 2, 22);
  }

  bold(text: string): string {
    return this.#style(text, 1, 22);
  }

  red(text: string): string {
    return this.#style(text, 31, 39);
  }

  /** Writes streamed text in the dimmed style. */
  writeDim(text: string): void {
    if (text === '') return;
    this.#stream.write(this.dim(text));
    this.#atLineStart = text.endsWith('\n');
  }

  #style(text: string, on: number, off: number): string {
    return this.#colours && text !== '' ? `\x1b[${on}m${text}\x1b[${off}m` : text;
  }
}

/**
 * Colours only on a terminal, never with NO_COLOR (https://no-color.org) or TERM=dumb. Control sequences that the
 * model wrote are not ours to pass on: see `printable`.
 */
export function openTerminal(env: NodeJS.ProcessEnv): Terminal {
  const allowed = !env.NO_COLOR && env.TERM !== 'dumb';
  quitQuietlyWhenTheReaderLeaves(process.stdout);
  process.stderr.on('error', () => {}); // nobody is left to tell
  return {
    out: new Channel(process.stdout, allowed && process.stdout.isTTY === true),
    err: new Channel(process.stderr, allowed && process.stderr.isTTY === true),
    interactive: process.stdin.isTTY === true,
  };
}

/** `ossia list | head -1` closes our output early: that is success, and no reason for a stack trace. */
function quitQuietlyWhenTheReaderLeaves(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`error: Cannot write to standard output: ${error.message}\n`);
    process.exit(1);
  });
}

/** Text from a model as a terminal may show it: escape sequences would move the cursor or worse, so they become visible. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this is about
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, (c) =>
    c === '\r' ? '' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
