/**
 * The lines of a stream of UTF-8 text, as they come. Only a line feed ends a line, with a carriage return before it or
 * not: Node's readline also splits at U+2028 and U+2029, which are ordinary characters inside JSON texts.
 */
export async function* splitLines(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  input.setEncoding('utf8');
  let pieces: string[] = []; // of a line that is not complete: joined once, however many chunks it spans
  for await (const chunk of input as AsyncIterable<string>) {
    const parts = chunk.split('\n');
    for (const part of parts.slice(0, -1)) {
      yield withoutReturn(pieces.join('') + part);
      pieces = [];
    }
    pieces.push(parts.at(-1)!);
  }
  const rest = pieces.join('');
  if (rest !== '') yield withoutReturn(rest);
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line;
}
