import type { TokenizerAndRendererExtension, Tokens } from 'marked';

/** Maths inside a text: `\(…\)`, `\[…\]`, `$$…$$`, and `$…$` where it can hardly be money. */
export interface MathToken extends Tokens.Generic {
  readonly type: 'math';
  readonly raw: string;
  readonly source: string;
  readonly display: boolean;
}

const LONGEST = 4096;

export const inlineMath: TokenizerAndRendererExtension = {
  name: 'math',
  level: 'inline',
  start: (text) => {
    const at = text.search(/\$|\\[([]/);
    return at < 0 ? undefined : at;
  },
  tokenizer: (text) => mathAt(text),
  childTokens: [],
};

/** The maths that the text begins with. */
export function mathAt(text: string): MathToken | undefined {
  const head = text.slice(0, LONGEST);
  const match = /^\\\(([\s\S]+?)\\\)/.exec(head);
  if (match) return token(match, false);
  const display = /^\\\[([\s\S]+?)\\\]/.exec(head) ?? /^\$\$([^$]+?)\$\$/.exec(head);
  if (display) return token(display, true);
  const dollars = /^\$((?:\\.|[^$\\\n])+?)\$(?![\d$])/.exec(head);
  return dollars && isMath(dollars[1] ?? '') ? token(dollars, false) : undefined;
}

function token([raw, source = '']: RegExpExecArray, display: boolean): MathToken {
  return { type: 'math', raw, source, display };
}

/** `$5 and then $` is not: no space inside at either end, and what begins like a price is no sentence. */
function isMath(inside: string): boolean {
  if (/^\s|\s$/.test(inside)) return false;
  return !(/^\d[\d.,]*\s/.test(inside) && !/[\\^_=+*<>]/.test(inside));
}
