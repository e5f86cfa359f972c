import type { Tokenizer } from '../../tokenizer/index.ts';
import { TokenTexts } from './token-text.ts';
import type { PromptToken } from './types.ts';

type Author = Pick<PromptToken, 'role' | 'channel'>;

const ROLES: readonly PromptToken['role'][] = ['system', 'developer', 'user', 'assistant'];

/** The tokens of a rendered conversation, each with the message that it belongs to. What stands before any message is the user's. */
export function promptTokens(ids: readonly number[], tokenizer: Tokenizer): PromptToken[] {
  const texts = new TokenTexts(tokenizer);
  let author: Author = { role: 'user' };
  return ids.map((id, index) => {
    if (texts.control(id) === '<|start|>') author = authorAt(ids, index + 1, texts);
    return { ...texts.of(id), ...author };
  });
}

/** Reads a header: `assistant<|channel|>commentary to=functions.f <|constrain|>json`, `functions.f to=assistant<|channel|>commentary`. */
function authorAt(ids: readonly number[], from: number, texts: TokenTexts): Author {
  const parts = { author: '', channel: '' };
  let part: keyof typeof parts | undefined = 'author';
  for (let at = from; at < ids.length; at++) {
    const control = texts.control(ids[at]!);
    if (control === '<|channel|>') part = 'channel';
    else if (control === '<|constrain|>') part = undefined;
    else if (control !== undefined) break;
    else if (part !== undefined) parts[part] += texts.of(ids[at]!).text;
  }
  const [word = ''] = /^[^\s:]*/.exec(parts.author) ?? [];
  const [channel = ''] = /^\w*/.exec(parts.channel) ?? [];
  const role = ROLES.find((known) => known === word) ?? 'tool';
  return channel === '' ? { role } : { role, channel };
}
