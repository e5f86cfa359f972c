import { createHash } from 'node:crypto';
import type { AssistantMessage, ChatMessage, ToolCall } from '../../chat/index.ts';
import { canonicalArguments } from './arguments.ts';

export interface CallMemoryOptions {
  /** Default 4,096, the least recently used forgotten first. */
  readonly maxTurns?: number;
  /** Characters of all remembered calls together. Default 16 million. */
  readonly maxCharacters?: number;
}

/**
 * Calls as the model wrote them, by the conversation that led to them. Ollama's clients send calls back without their ids, or
 * with ids of their own, and arguments as objects; with the true ids and texts `TurnMemory` can give the model its thoughts
 * again. The key is all that stands before the call, so nobody gets anything of another conversation.
 */
export class CallMemory {
  readonly #maxTurns: number;
  readonly #maxCharacters: number;
  readonly #kept = new Map<string, readonly ToolCall[]>();
  #characters = 0;

  constructor({ maxTurns = 4096, maxCharacters = 16_000_000 }: CallMemoryOptions = {}) {
    this.#maxTurns = maxTurns;
    this.#maxCharacters = maxCharacters;
  }

  get size(): number {
    return this.#kept.size;
  }

  /** `whose`: the client and the model. `history`: what the turn answered. */
  remember(whose: string, history: readonly ChatMessage[], turn: AssistantMessage | undefined): void {
    const { toolCalls = [] } = turn ?? {};
    if (turn === undefined || toolCalls.length === 0) return;
    const trail = new Trail(whose);
    for (const message of history) trail.add(message);
    const key = trail.add(turn);
    this.#forget(key);
    this.#kept.set(key, toolCalls);
    this.#characters += sizeOf(toolCalls);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#maxTurns && this.#characters <= this.#maxCharacters) break;
      this.#forget(oldest);
    }
  }

  /**
   * For each message of a history, the calls as the model wrote them; undefined where it did not, or that is forgotten. Looks
   * at contents, names and arguments only.
   */
  recall(whose: string, history: readonly ChatMessage[]): (readonly ToolCall[] | undefined)[] {
    const trail = new Trail(whose);
    return history.map((message) => {
      const key = trail.add(message);
      if (message.role !== 'assistant' || !message.toolCalls?.length) return undefined;
      const calls = this.#kept.get(key);
      if (calls === undefined) return undefined;
      this.#kept.delete(key); // to the end of the line
      this.#kept.set(key, calls);
      return calls;
    });
  }

  #forget(key: string): void {
    this.#characters -= sizeOf(this.#kept.get(key) ?? []);
    this.#kept.delete(key);
  }
}

/** A digest of the messages so far, without thoughts and ids, which clients drop. */
class Trail {
  #digest: string;

  constructor(whose: string) {
    this.#digest = whose;
  }

  add(message: ChatMessage): string {
    const calls = message.role === 'assistant' ? (message.toolCalls ?? []) : [];
    const said = JSON.stringify([
      message.role,
      message.content ?? '',
      ...calls.map((call) => [call.name, canonicalArguments(call.arguments)]),
    ]);
    this.#digest = createHash('sha256').update(this.#digest).update(said).digest('base64');
    return this.#digest;
  }
}

function sizeOf(calls: readonly ToolCall[]): number {
  return calls.reduce((sum, call) => sum + call.arguments.length + call.name.length + 100, 200);
}
