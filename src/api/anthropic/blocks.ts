import { OssiaError } from '../../base/index.ts';
import type { ChatEvent, ToolCall } from '../../chat/index.ts';
import { JsonScanner } from '../../harmony/index.ts';
import type { SseEvent } from '../reply.ts';
import type { Seal } from '../seal.ts';
import { toToolUseId } from './ids.ts';
import { inputOf } from './message.ts';
import type { ThinkingDisplay } from './request.ts';

type OpenBlock =
  | { readonly type: 'thinking' | 'text' }
  | { readonly type: 'tool_use'; readonly id: string; readonly input: JsonScanner; shown: string };

/** Takes a turn's events to those of content blocks: one block a message, opened by its first piece, never two at a time. */
export class BlockStream {
  readonly #display: ThinkingDisplay;
  readonly #seal: Seal;
  #index = 0;
  #open: OpenBlock | undefined;

  constructor(display: ThinkingDisplay, seal: Seal) {
    this.#display = display;
    this.#seal = seal;
  }

  *push(event: ChatEvent): Generator<SseEvent> {
    switch (event.type) {
      case 'reasoning':
        if (this.#display === 'none') return;
        yield* this.#begin({ type: 'thinking' }, { type: 'thinking', thinking: '', signature: '' });
        if (this.#display === 'shown') yield this.#delta({ type: 'thinking_delta', thinking: event.delta });
        return;
      case 'text':
        yield* this.#begin({ type: 'text' }, { type: 'text', text: '', citations: null });
        yield this.#delta({ type: 'text_delta', text: event.delta });
        return;
      case 'retract': // this format cannot take back what it has shown
        yield* this.close();
        return;
      case 'tool_call_delta':
        yield* this.#argumentsPiece(event, event.delta);
        return;
      case 'tool_call':
        yield* this.#call(event, event.status === 'incomplete');
        return;
      case 'message':
        if (this.#open?.type === 'thinking') {
          yield this.#delta({ type: 'signature_delta', signature: this.#seal.close(event.message.content) });
        }
        yield* this.close();
    }
  }

  /** Ends the block that is open. */
  *close(): Generator<SseEvent> {
    if (this.#open === undefined) return;
    this.#open = undefined;
    yield named({ type: 'content_block_stop', index: this.#index++ });
  }

  /** What is JSON of an object goes out at once. */
  *#argumentsPiece({ id, name }: Omit<ToolCall, 'arguments'>, piece: string): Generator<SseEvent> {
    const block = yield* this.#beginCall({ id, name });
    const before = block.input.length;
    block.input.push(piece);
    const isObject = block.input.opener === '{';
    const text = isObject ? piece.slice(0, block.input.length - before) : '';
    // White space before the object is not in `shown`: it means nothing.
    if (text === '') return;
    block.shown += text;
    yield this.#delta({ type: 'input_json_delta', partial_json: text });
  }

  /** A call that was cut short keeps what was shown of it, as `max_tokens` lets expect. */
  *#call(call: ToolCall, isIncomplete: boolean): Generator<SseEvent> {
    if (isIncomplete && this.#open?.type !== 'tool_use') return;
    const block = yield* this.#beginCall(call);
    if (!isIncomplete && block.input.state !== 'complete') {
      if (block.shown !== '') {
        throw new OssiaError(
          'api/malformed-call',
          `Cannot go on: the model called ${call.name} with arguments that are no JSON`,
        );
      }
      yield this.#delta({ type: 'input_json_delta', partial_json: JSON.stringify(inputOf(call.arguments)) });
    }
    yield* this.close();
  }

  *#beginCall({
    id,
    name,
  }: Omit<ToolCall, 'arguments'>): Generator<SseEvent, Extract<OpenBlock, { type: 'tool_use' }>> {
    if (this.#open?.type === 'tool_use' && this.#open.id === id) return this.#open;
    const block = { type: 'tool_use' as const, id, input: new JsonScanner(), shown: '' };
    const start = { type: 'tool_use', id: toToolUseId(id), name, input: {}, caller: { type: 'direct' } };
    yield* this.close();
    yield* this.#begin(block, start);
    return block;
  }

  *#begin(block: OpenBlock, content_block: unknown): Generator<SseEvent> {
    if (this.#open?.type === block.type) return;
    yield* this.close();
    this.#open = block;
    yield named({ type: 'content_block_start', index: this.#index, content_block });
  }

  #delta(delta: unknown): SseEvent {
    return named({ type: 'content_block_delta', index: this.#index, delta });
  }
}

/** Events bear their type twice: clients look at either. */
export function named<T extends { readonly type: string }>(data: T): SseEvent {
  return { event: data.type, data };
}
