import { badRequest } from '../validate.ts';
import type { InputItem } from './items.ts';

export interface PageOptions {
  /** 1 to 100. Default 20. */
  readonly limit?: number;
  /** Default `desc`: the newest first. */
  readonly order?: 'asc' | 'desc';
  /** The id of the item before the first of this page. */
  readonly after?: string;
}

/** A list as OpenAI's clients page through it. `items`: oldest first. */
export function pageOf(items: readonly InputItem[], { limit = 20, order = 'desc', after }: PageOptions): object {
  const all = items.map(listed);
  if (order === 'desc') all.reverse();
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && start === 0) throw badRequest(`after: no item here has the id "${after}"`, 'after');
  const data = all.slice(start, start + limit);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < all.length,
  };
}

/** Messages are listed with their content in parts. */
function listed(item: InputItem): InputItem {
  if (item.type !== 'message') return item;
  const { content, role } = item;
  if (typeof content !== 'string') return { status: 'completed', ...item };
  const part =
    role === 'assistant'
      ? { type: 'output_text', text: content, annotations: [] }
      : { type: 'input_text', text: content };
  return { status: 'completed', ...item, content: [part] };
}
