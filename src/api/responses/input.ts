import type { ZodType } from 'zod';
import { badRequest, validate } from '../validate.ts';
import { type IdPrefix, newId } from './ids.ts';
import type { InputItem } from './items.ts';
import { itemSchemas, type PromptBody } from './schema.ts';

export type KnownType = keyof typeof itemSchemas;

const PREFIXES = new Map<string, IdPrefix>(
  Object.entries({
    message: 'msg',
    reasoning: 'rs',
    function_call: 'fc',
    custom_tool_call: 'ctc',
    function_call_output: 'fco',
    custom_tool_call_output: 'ctco',
  } as const),
);

/**
 * A request's input as items, each with its type and an id. Throws `api/bad-request` that names the item; what these models
 * cannot read, pictures and files, is refused.
 */
export function readInput(input: PromptBody['input']): InputItem[] {
  if (typeof input === 'string') {
    return [{ type: 'message', id: newId('msg'), role: 'user', content: [{ type: 'input_text', text: input }] }];
  }
  return (input ?? []).map((item, index) => {
    const type = item.type ?? ('role' in item ? 'message' : 'item_reference');
    if (isKnown(type)) checkItem(type, item, index);
    return { ...item, type, id: item.id ?? newId(PREFIXES.get(type) ?? 'item') };
  });
}

export function isKnown(type: string): type is KnownType {
  return Object.hasOwn(itemSchemas, type);
}

function checkItem(type: KnownType, item: object, index: number): void {
  const schema: ZodType<unknown> = itemSchemas[type];
  validate(schema, item, `input[${index}]`);
  if (type !== 'message' || !('content' in item) || !Array.isArray(item.content)) return;
  item.content.forEach((part: { readonly type: string; readonly text?: unknown }, i) => {
    const at = `input[${index}].content[${i}]`;
    if (/^input_(?!text$)/.test(part.type) || part.type === 'image_url') {
      throw badRequest(`${at} is ${part.type}, but gpt-oss models read text only`, at);
    }
    if (/text$/.test(part.type) && typeof part.text !== 'string')
      throw badRequest(`${at}.text is no text`, `${at}.text`);
  });
}

/** The text of a message's content, of thoughts, or of a call's output; what is no text there is named in brackets. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.map((part: Readonly<Record<string, unknown>>) => {
    if (typeof part.text === 'string') return part.text;
    if (typeof part.refusal === 'string') return part.refusal;
    return `[${String(part.type).replace(/^input_/, '')} left out: this model reads text only]`;
  });
  return texts.join('\n');
}
