/** Columns of a page, as in the tool that the models were trained with. */
export const width = 80;

/** Cuts a line at spaces into pieces of at most 80 characters; a longer word is cut inside. Indented alike. */
export function wrap(line: string, columns = width): string[] {
  if (line.length <= columns) return [line];
  const indent = /^ {0,20}(?:[*-] |\d{1,4}\. )?/.exec(line)![0];
  const hanging = ' '.repeat(indent.length);
  const pieces: string[] = [];
  let at = 0;
  while (at < line.length) {
    const prefix = at === 0 ? '' : hanging;
    const room = columns - prefix.length;
    let end = Math.min(at + room, line.length);
    if (end < line.length) {
      const space = line.slice(at, end + 1).lastIndexOf(' '); // not in all that comes before
      if (space > indent.length) end = at + space;
      else if (isHighSurrogate(line.charCodeAt(end - 1))) end--;
    }
    pieces.push((prefix + line.slice(at, end)).trimEnd());
    at = end;
    while (line[at] === ' ') at++;
  }
  return pieces;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** Brackets that mark links, and marks that cannot be seen, stand for nothing in a page's own text. */
export function plainText(text: string): string {
  return text
    .replaceAll('【', '〖')
    .replaceAll('】', '〗')
    .replaceAll(/[\u200b\u2060\ufeff\u00ad]/g, '')
    .replaceAll(controls, ' ');
}

/** All that is not a line break or a tab. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g;
