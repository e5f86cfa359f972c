import type { EndEvent, GenerateParams } from '../engine/index.ts';
import type { LoadedModel } from './load.ts';
import { StopStrings } from './stop-strings.ts';
import type { ChatEvent } from './types.ts';

/** How text without a conversation around it goes on. */
export interface ContinueOptions extends Omit<GenerateParams, 'stopIds' | 'penaltyExempt' | 'constraint'> {
  /** Ends the text before any of these. */
  readonly stop?: readonly string[];
  /** Whether control tokens that come are shown by their names. Default false: they are no text. */
  readonly showControls?: boolean;
  readonly signal?: AbortSignal;
  readonly client?: string;
}

/**
 * Continues token ids as plain text: nothing is rendered around them and nothing is held to a form. Gives `token` (where
 * `topLogprobs` is given), `text`, `usage` and `end`. Throws `engine/…`.
 */
export async function* continueText(
  model: Pick<LoadedModel, 'generate' | 'tokenizer'>,
  ids: readonly number[],
  { stop = [], showControls = false, signal, client, ...params }: ContinueOptions = {},
): AsyncGenerator<ChatEvent, void, undefined> {
  const { tokenizer } = model;
  const stops = new StopStrings(stop);
  const controls = new Set(tokenizer.specials.values());
  const decoder = tokenizer.stream();
  const stopped = new AbortController();
  const signals = AbortSignal.any(signal ? [signal, stopped.signal] : [stopped.signal]);
  let hit: string | undefined;
  let outputTokens = 0;
  let end: EndEvent | undefined;
  const show = function* (piece: string): Generator<ChatEvent> {
    const found = stops.push(piece);
    if (found.text !== '') yield { type: 'text', delta: found.text, channel: 'final' };
    if (found.hit === undefined) return;
    hit = found.hit;
    stopped.abort(); // what the engine has sampled since is nobody's
  };
  const submit = { signal: signals, ...(client === undefined ? {} : { client }) };
  for await (const event of model.generate(ids, params, submit)) {
    if (event.type === 'end') end = event;
    else if (hit === undefined) {
      outputTokens++;
      if (params.topLogprobs !== undefined) yield event;
      if (!controls.has(event.id)) yield* show(decoder.push(event.id));
      else yield* show(decoder.flush() + (showControls ? tokenizer.decode([event.id]) : ''));
    }
  }
  if (!end) throw new TypeError('The engine ended without an end event');
  if (hit === undefined) yield* show(decoder.flush());
  const rest = hit === undefined ? stops.flush() : '';
  if (rest !== '') yield { type: 'text', delta: rest, channel: 'final' };
  const { promptTokens, cachedTokens, reason, seed, timing, speculation } = end;
  const guessed = speculation === undefined ? {} : { speculation };
  yield { type: 'usage', promptTokens, cachedTokens, outputTokens, reasoningTokens: 0, ...guessed };
  const met = hit === undefined ? { reason } : { reason: 'stop' as const, stop: hit };
  yield { type: 'end', ...met, repairs: [], messages: [], seed, timing };
}
