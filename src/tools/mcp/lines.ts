const MAX_LINE = 2000;

/** Hands on what comes in pieces, a line at a time, each cut to a bound: what a program writes to its standard error. */
export function readLines(line: (text: string) => void): (chunk: Buffer) => void {
  const decoder = new TextDecoder();
  let rest = '';
  return (chunk) => {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop()?.slice(0, MAX_LINE) ?? '';
    for (const text of lines) {
      const trimmed = text.trimEnd();
      if (trimmed !== '') line(plain(trimmed, MAX_LINE));
    }
  };
}

/** A text of a stranger for one line of a terminal or a log: no control characters, and no more than so many characters. */
export function plain(text: string, maxLength: number): string {
  const clean = text.replace(/\p{Cc}+/gu, ' ');
  return clean.length > maxLength ? `${clean.slice(0, maxLength)}…` : clean;
}

const MINUTE_MS = 60_000;
const MAX_LINES_A_MINUTE = 300;

/** Passes lines on, but not without end. */
export function withinReason(log: (line: string) => void): (line: string) => void {
  let since = performance.now();
  let count = 0;
  return (line) => {
    if (performance.now() - since > MINUTE_MS) {
      since = performance.now();
      count = 0;
    }
    count++;
    if (count <= MAX_LINES_A_MINUTE) log(line);
    if (count === MAX_LINES_A_MINUTE) log('says too much: the rest of this minute is dropped');
  };
}
