/** What a line of Markdown begins or ends, as far as cutting a text into blocks needs it. */

export interface Fence {
  readonly mark: '`' | '~';
  readonly length: number;
  readonly info: string;
}

export function fenceOf(line: string): Fence | undefined {
  const match = /^\s*(`{3,}|~{3,})(.*)$/.exec(line);
  if (!match) return undefined;
  const [, marks = '', info = ''] = match;
  const mark = marks[0] as Fence['mark'];
  return mark === '`' && info.includes('`') ? undefined : { mark, length: marks.length, info: info.trim() };
}

export function closesFence(line: string, fence: Fence): boolean {
  const text = line.trim();
  return text.length >= fence.length && text === fence.mark.repeat(text.length);
}

export function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

export const isBlank = (line: string): boolean => line.trim() === '';
export const isHeading = (line: string): boolean => /^ {0,3}#{1,6}(\s|$)/.test(line);
export const isItem = (line: string): boolean => /^\s{0,3}([-*+]|\d{1,9}[.)])\s/.test(line);
export const isRule = (line: string): boolean => /^ {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}$/.test(line);
/** The line of dashes between a table's head and its rows. */
export const isTableRule = (line: string): boolean =>
  line.length < 4096 && line.includes('|') && /^\s*\|?(?:\s*:?-+:?\s*\|)*\s*:?-+:?\s*\|?\s*$/.test(line);

/** Display maths that opens with a line, and how it closes. */
export function mathOf(line: string): '$$' | '\\]' | undefined {
  const text = line.trimStart();
  if (text.startsWith('$$')) return '$$';
  return text.startsWith('\\[') ? '\\]' : undefined;
}
