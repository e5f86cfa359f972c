/** A text file as lines that keep their ends, so that what is not changed stays as it is, byte for byte. */
export interface Text {
  readonly lines: readonly Line[];
  /** A byte order mark comes first. */
  readonly bom: boolean;
}

export interface Line {
  readonly text: string;
  /** `\n`, `\r\n`, or nothing at the end of a file without a new line at its end. */
  readonly end: string;
}

/** Undefined for what is no UTF-8 text. */
export function decodeText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function toLines(content: string): Text {
  const bom = content.startsWith('\uFEFF');
  const parts = (bom ? content.slice(1) : content).split(/(\r\n|\n)/);
  const lines: Line[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const text = parts[index] ?? '';
    const end = parts[index + 1] ?? '';
    if (text !== '' || end !== '') lines.push({ text, end });
  }
  return { lines, bom };
}

/** How most lines end. */
export function lineEnd({ lines }: Text): string {
  const windows = lines.filter(({ end }) => end === '\r\n').length;
  return windows * 2 > lines.filter(({ end }) => end !== '').length ? '\r\n' : '\n';
}

/** The content again; it ends with a new line exactly if `like` does, or is empty. */
export function fromLines(lines: readonly Line[], like: Text): string {
  const usual = lineEnd(like);
  const endsOpen = like.lines.at(-1)?.end === '';
  const last = lines.length - 1;
  const whole = lines.map(({ text, end }, index) => {
    if (index === last) return endsOpen ? text : text + (end || usual);
    return text + (end || usual);
  });
  return (like.bom ? '\uFEFF' : '') + whole.join('');
}
