import { isDeepStrictEqual } from 'node:util';
import type { AssistantMessage, ChatMessage } from './types.ts';

export interface TurnMemoryOptions {
  /** Turns remembered, the least recently used forgotten first. Default 4,096. */
  readonly maxTurns?: number;
  /** Characters of all remembered turns together. Default 64 million. */
  readonly maxCharacters?: number;
}

interface Kept {
  readonly message: AssistantMessage;
  readonly characters: number;
}

/**
 * Turns that ended in calls, by model and call id. Many clients send a call back without the thoughts that led to it; gpt-oss
 * was trained to see them, and what it wrote itself is also what the prefix cache still holds.
 */
export class TurnMemory {
  readonly #maxTurns: number;
  readonly #maxCharacters: number;
  /** Least recently used first. */
  readonly #kept = new Map<string, Kept>();
  #characters = 0;

  constructor({ maxTurns = 4096, maxCharacters = 64_000_000 }: TurnMemoryOptions = {}) {
    this.#maxTurns = maxTurns;
    this.#maxCharacters = maxCharacters;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** Remembers what a turn left behind, if it made calls. `model`: whose ids these are. */
  remember(model: string, messages: readonly AssistantMessage[]): void {
    for (const message of messages) {
      const id = message.toolCalls?.[0]?.id;
      if (id === undefined || message.harmony === undefined) continue;
      this.#forget(key(model, id));
      const kept = { message, characters: sizeOf(message) };
      if (kept.characters > this.#maxCharacters) continue;
      this.#kept.set(key(model, id), kept);
      this.#characters += kept.characters;
    }
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#maxTurns && this.#characters <= this.#maxCharacters) break;
      this.#forget(oldest);
    }
  }

  /**
   * The history with the model's own words in place of what a client sent back of them: where a message's calls are those of
   * a remembered turn, unchanged, and no other thoughts were given in its place.
   */
  restore(model: string, history: readonly ChatMessage[]): ChatMessage[] {
    return history.map((message) => {
      if (message.role !== 'assistant' || message.harmony !== undefined) return message;
      const id = message.toolCalls?.[0]?.id;
      const kept = id === undefined ? undefined : this.#kept.get(key(model, id));
      if (id === undefined || kept === undefined || !saysTheSame(message, kept.message)) return message;
      this.#kept.delete(key(model, id)); // to the end of the line
      this.#kept.set(key(model, id), kept);
      return kept.message;
    });
  }

  #forget(id: string): void {
    this.#characters -= this.#kept.get(id)?.characters ?? 0;
    this.#kept.delete(id);
  }
}

function key(model: string, id: string): string {
  return `${model}\n${id}`;
}

function saysTheSame(sent: AssistantMessage, kept: AssistantMessage): boolean {
  const calls = kept.toolCalls ?? [];
  const sentCalls = sent.toolCalls ?? [];
  return (
    sentCalls.length === calls.length &&
    sentCalls.every((call, i) => call.id === calls[i]!.id && call.name === calls[i]!.name) &&
    sentCalls.every((call, i) => meanTheSame(call.arguments, calls[i]!.arguments)) &&
    isMissingOrSame(sent.content, kept.content) &&
    isMissingOrSame(sent.reasoning, kept.reasoning)
  );
}

/** Clients drop thoughts and remarks, and put their paragraphs together anew; other words than the model's are never replaced. */
function isMissingOrSame(sent = '', kept = ''): boolean {
  const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');
  return sent === '' || sent === kept || isDeepStrictEqual(words(sent), words(kept));
}

/** Formats that carry arguments as an object write them anew: spaces and escapes are not the model's then. */
function meanTheSame(sent: string, kept: string): boolean {
  if (sent === kept) return true;
  try {
    return isDeepStrictEqual(JSON.parse(sent), JSON.parse(kept));
  } catch {
    return false; // one of them is no JSON
  }
}

function sizeOf({ content = '', reasoning = '', toolCalls = [], harmony = [] }: AssistantMessage): number {
  const calls = toolCalls.reduce((sum, call) => sum + call.arguments.length, 0);
  const own = harmony.reduce((sum, { content: text, sampled }) => sum + text.length + 4 * (sampled?.length ?? 0), 0);
  return content.length + reasoning.length + calls + own + 200;
}
