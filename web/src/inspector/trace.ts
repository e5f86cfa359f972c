import type { ConsoleEvent, OutputToken, PromptToken, TurnBody } from '../net/types.ts';
import type { TracedStep, TurnRecord } from '../state/turns.ts';

/** Puts a turn's events together. What has no token in it (text, tools) is passed over. */
export class TraceRecorder {
  readonly #start: { readonly at: number; readonly body: TurnBody };
  #found: Omit<TurnRecord, 'at' | 'body' | 'title' | 'question' | 'steps'> = { id: '', model: '' };
  readonly #steps: { prompt: readonly PromptToken[]; cached: number; output: OutputToken[] }[] = [];

  constructor(body: TurnBody, at: number) {
    this.#start = { at, body };
  }

  push(event: ConsoleEvent): void {
    switch (event.type) {
      case 'begin':
        this.#found = { ...this.#found, id: event.id, model: event.model };
        return;
      case 'prompt':
        this.#steps.push({ prompt: event.tokens, cached: event.cached, output: [] });
        return;
      case 'trace': {
        const { type: _, ...token } = event;
        this.#steps.at(-1)?.output.push(token);
        return;
      }
      case 'usage': {
        const { type: _, ...usage } = event;
        this.#found = { ...this.#found, usage: { type: 'usage', ...usage } };
        return;
      }
      case 'end':
        this.#found = { ...this.#found, end: event };
        return;
      case 'error':
        this.#found = { ...this.#found, error: event.error };
    }
  }

  get tokens(): number {
    return this.#steps.reduce((sum, { output }) => sum + output.length, 0);
  }

  /** A copy of what there is so far. */
  record(): TurnRecord {
    const title = titleOf(this.#start.body);
    const steps = this.#steps.map((step) => ({ ...step, output: [...step.output] }));
    return { ...this.#start, ...this.#found, title, question: title, steps };
  }
}

/** Asks for the same tokens once more: the seed that was drawn becomes one that is given. Tools begin with nothing kept. */
export function replayBody(turn: TurnRecord, conversation: string, seed = turn.end?.seed): TurnBody {
  return {
    ...turn.body,
    ...(turn.model === '' ? {} : { model: turn.model }),
    conversation,
    options: { ...turn.body.options, ...(seed === undefined ? {} : { seed }) },
    trace: true,
  };
}

/** First words of what the person said last: what a turn is called in lists. */
export function titleOf(body: TurnBody, length = 60): string {
  const last = body.messages.findLast((message) => message.role === 'user') ?? body.messages.at(-1);
  const text = (last?.content ?? '').replace(/\s+/g, ' ').trim();
  if (text === '') return 'A turn without words';
  return text.length <= length ? text : `${text.slice(0, length - 1).trimEnd()}…`;
}

/** Where the chosen token stands among the most probable ones, from 1; undefined: further behind than was told. */
export function rankOf(token: OutputToken): number | undefined {
  const index = token.top.findIndex(({ id }) => id === token.id);
  return index === -1 ? undefined : index + 1;
}

/** Bits of surprise: what the choice of this token told. */
export function surprise(token: OutputToken): number {
  return token.probability > 0 ? -Math.log2(token.probability) : Number.POSITIVE_INFINITY;
}

/** A token of a step by its position in the sequence: the prompt's come first. */
export type Placed =
  | { readonly part: 'prompt'; readonly token: PromptToken; readonly cached: boolean }
  | { readonly part: 'output'; readonly token: OutputToken };

export function placed(step: TracedStep, position: number): Placed | undefined {
  const prompt = step.prompt[position];
  if (prompt) return { part: 'prompt', token: prompt, cached: position < step.cached };
  const output = step.output[position - step.prompt.length];
  return output && { part: 'output', token: output };
}

export function lengthOf(step: TracedStep): number {
  return step.prompt.length + step.output.length;
}

export function idsOf(step: TracedStep): readonly number[] {
  return [...step.prompt, ...step.output].map(({ id }) => id);
}

/** What the whole output says of itself. */
export interface OutputFacts {
  readonly tokens: number;
  readonly forced: number;
  /** Bits that the choices told, forced ones left out; per chosen token. */
  readonly meanSurprise: number;
  readonly meanEntropy: number | undefined;
  /** Chosen tokens that were the most probable. */
  readonly greedy: number;
}

export function factsOf(output: readonly OutputToken[]): OutputFacts {
  const free = output.filter(({ forced }) => !forced);
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const entropies = free.flatMap(({ entropy }) => (entropy === undefined ? [] : [entropy]));
  return {
    tokens: output.length,
    forced: output.length - free.length,
    meanSurprise: mean(free.map(surprise).filter(Number.isFinite)),
    meanEntropy: entropies.length === 0 ? undefined : mean(entropies),
    greedy: free.filter((token) => rankOf(token) === 1).length,
  };
}
