import { OssiaError } from '../../base/index.ts';
import type { LoadedModel } from '../../chat/index.ts';
import type { Message } from '../../harmony/index.ts';
import { badRequest } from '../validate.ts';
import { type HistoryItem, isCall, isHosted } from './history.ts';
import { isOutputId } from './ids.ts';
import { textOf } from './input.ts';
import type { InputItem } from './items.ts';
import { isFinished } from './response.ts';
import type { SealedThoughts } from './sealed-thoughts.ts';
import { outputItems, type ResponseStore, type StoredItem, type StoredResponse } from './store.ts';

/** Everything before a request's own input: the responses that it goes on from, oldest first. Throws where one is missing. */
export function responsesBefore(store: ResponseStore, previousId: string | null | undefined): StoredResponse[] {
  const chain: StoredResponse[] = [];
  for (let id = previousId; id; id = chain[0]!.response.previous_response_id) {
    const stored = store.get(id);
    if (!stored) throw missing(id, id === previousId);
    if (!isFinished(stored.response)) {
      throw badRequest(`previous_response_id: the response "${id}" is not finished yet`, 'previous_response_id');
    }
    chain.unshift(stored);
  }
  return chain;
}

function missing(id: string, isNamed: boolean): OssiaError {
  const what = isNamed ? `Previous response with id '${id}' not found` : `An earlier response, '${id}', is gone`;
  return new OssiaError('api/unknown-previous-response', what, { details: { param: 'previous_response_id' } });
}

/** A response's items for a history: its input, then its output; a call that was cut short never happened. */
export function itemsOf({ response, input, exact, modelName }: StoredResponse): StoredItem[] {
  const isCut = ({ type, id, status }: InputItem) =>
    status === 'incomplete' && (isCall(type) || (isHosted(type) && !exact.has(id)));
  const output = outputItems(response).filter((item) => !isCut(item));
  return [...input, ...output].map((item) => {
    const message = exact.get(item.id);
    return { item, modelName, ...(message === undefined ? {} : { exact: message }) };
  });
}

/**
 * The input with its references resolved, and with what the model really wrote where the store or a sealed thought knows it
 * and the client has not changed it.
 */
export function recall(
  input: readonly InputItem[],
  { store, thoughts }: { readonly store: ResponseStore; readonly thoughts: SealedThoughts },
  model: Writer,
): HistoryItem[] {
  return input.map((item, index) => {
    const kept = isOutputId(item.id) || item.type === 'item_reference' ? store.item(item.id) : undefined;
    if (item.type === 'item_reference') {
      if (!kept) {
        throw badRequest(`input[${index}]: item with id '${item.id}' not found; it may not have been stored`, 'input');
      }
      return forModel(kept, model);
    }
    if (kept && saysTheSame(kept.item, item)) return forModel({ ...kept, item }, model);
    if (item.type !== 'reasoning') return { item };
    const exact = thoughts.open(model.name, item.encrypted_content, thoughtText(item));
    return forModel({ item, modelName: model.name, ...(exact === undefined ? {} : { exact }) }, model);
  });
}

/** Ids mean something only to the model that wrote them; and a model may have been replaced by another of the same name. */
export function forModel({ item, exact, modelName }: StoredItem, { name, tokenizer }: Writer): HistoryItem {
  if (exact === undefined) return { item };
  if (modelName === name && saysItsIds(exact, tokenizer)) return { item, exact };
  const { sampled: _, ...words } = exact;
  return words.content === '' && words.result === undefined ? { item } : { item, exact: words };
}

type Writer = Pick<LoadedModel, 'name' | 'tokenizer'>;

function saysItsIds({ sampled, content }: Message, tokenizer: Writer['tokenizer']): boolean {
  if (sampled === undefined || typeof content !== 'string') return true;
  return sampled.every((id) => id < tokenizer.vocabSize) && tokenizer.decode(sampled).includes(content);
}

function saysTheSame(kept: InputItem, sent: InputItem): boolean {
  if (kept.type !== sent.type) return false;
  if (kept.type === 'message') return kept.role === sent.role && textOf(kept.content) === textOf(sent.content);
  // AI SDKs send only the summary of a thought back, or nothing but its id.
  if (kept.type === 'reasoning') return thoughtText(sent) === '' || thoughtText(sent) === thoughtText(kept);
  if (kept.type === 'web_search_call') return true; // what it says is no part of what the model sees
  if (kept.type === 'code_interpreter_call') return kept.code === sent.code;
  return kept.name === sent.name && kept.arguments === sent.arguments && kept.input === sent.input;
}

function thoughtText({ content, summary }: InputItem): string {
  return textOf(content) || textOf(summary);
}
