import type { ChatEnd, ChatEvent, Usage } from '../../chat/index.ts';
import { AnswerTokens, type TokenLogprob } from '../answer-tokens.ts';
import { type CutCall, finishReason } from './report.ts';
import type { AnswerForm } from './response.ts';

/** What one chunk says of a choice. */
export interface ChoiceDelta {
  readonly delta: object;
  readonly logprobs?: readonly TokenLogprob[];
}

/**
 * Turns the events of a turn into the deltas of one choice.
 *
 * What a `retract` takes back stays in the text: the format cannot take anything back, and holding text until it is certain
 * would end streaming. It is rare (an answer in JSON that turns out to be a call), and cannot happen to a constrained turn.
 */
export class ChoiceDeltas {
  readonly #form: AnswerForm;
  readonly #tokens: AnswerTokens;
  readonly #calls = new Map<string, number>();
  readonly #cutCalls: CutCall[] = [];
  readonly #paragraphs = { reasoning: new Paragraphs(), text: new Paragraphs() };
  /** What has been sent of the open call's. */
  #argumentsOf = '';
  usage: Usage | undefined;
  end: ChatEnd | undefined;

  constructor(form: AnswerForm) {
    this.#form = form;
    this.#tokens = new AnswerTokens(form.tokenizer);
  }

  get cutCalls(): readonly CutCall[] {
    return this.#cutCalls;
  }

  /** How the choice ended; after the last event. */
  get finish(): object {
    if (!this.end) throw new TypeError('The turn ended without an end event');
    const reason = finishReason(this.end, this.#cutCalls, this.#form.isLegacy);
    return { finish_reason: reason, ...(this.end.stop === undefined ? {} : { stop_reason: this.end.stop }) };
  }

  *push(event: ChatEvent): Generator<ChoiceDelta> {
    const logprobs = this.#form.logprobs ? this.#tokens.push(event) : [];
    switch (event.type) {
      case 'reasoning': {
        const reasoning = this.#paragraphs.reasoning.add(event.delta);
        if (this.#form.reasoning) yield { delta: { reasoning, reasoning_content: reasoning } };
        break;
      }
      case 'text':
        yield { delta: { content: this.#paragraphs.text.add(event.delta) }, logprobs };
        break;
      case 'tool_call_delta':
        yield* this.#arguments(event, event.delta);
        break;
      case 'tool_call':
        if (event.status === 'incomplete') this.#cutCalls.push({ name: event.name, arguments: event.arguments });
        else yield* this.#complete(event);
        break;
      case 'message':
        if (event.message.surface === 'reasoning') this.#paragraphs.reasoning.end();
        if (event.message.surface === 'text') this.#paragraphs.text.end();
        break;
      case 'usage':
        this.usage = event;
        break;
      case 'end':
        this.end = event;
        break;
      case 'token':
      case 'retract':
        break;
    }
  }

  /** The call's head before its first piece, then the piece. */
  *#arguments(call: { readonly id: string; readonly name: string }, delta: string): Generator<ChoiceDelta> {
    let index = this.#calls.get(call.id);
    if (index === undefined) {
      if (this.#calls.size >= this.#form.maxCalls) return;
      index = this.#calls.size;
      this.#calls.set(call.id, index);
      this.#argumentsOf = '';
      yield { delta: this.#callDelta(index, call, '', true) };
    }
    if (delta === '') return;
    this.#argumentsOf += delta;
    yield { delta: this.#callDelta(index, call, delta, false) };
  }

  /** A call whose arguments are empty or blank; clients read them as JSON. */
  *#complete(call: { readonly id: string; readonly name: string; readonly arguments: string }): Generator<ChoiceDelta> {
    yield* this.#arguments(call, '');
    const missing = call.arguments.slice(this.#argumentsOf.length);
    const isBare = call.arguments.trim() === '' && !this.#form.custom.has(call.name);
    yield* this.#arguments(call, isBare ? `${missing}{}` : missing);
  }

  #callDelta(index: number, { id, name }: { id: string; name: string }, delta: string, isFirst: boolean): object {
    if (this.#form.isLegacy) {
      return { function_call: isFirst ? { name, arguments: '' } : { arguments: delta } };
    }
    if (this.#form.custom.has(name)) {
      const head = isFirst ? { index, id, type: 'custom', custom: { name, input: '' } } : undefined;
      return { tool_calls: [head ?? { index, custom: { input: delta } }] };
    }
    const head = isFirst ? { index, id, type: 'function', function: { name, arguments: '' } } : undefined;
    return { tool_calls: [head ?? { index, function: { arguments: delta } }] };
  }
}

/** Several messages in one field stand apart, as they do in an answer that is not streamed. */
class Paragraphs {
  #isBegun = false;
  #isEnded = false;

  add(delta: string): string {
    const text = this.#isBegun && this.#isEnded ? `\n\n${delta}` : delta;
    this.#isBegun = true;
    this.#isEnded = false;
    return text;
  }

  end(): void {
    this.#isEnded = true;
  }
}
