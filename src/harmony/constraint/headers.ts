import { forcedRun } from './forced-run.ts';
import { betweenMessages, type HeaderNode, type HeaderPlan, type HeaderRules, headerTrie } from './header-trie.ts';
import type { TurnVocabulary } from './vocabulary.ts';

/** Where a header begins: behind the prompt's `<|start|>assistant`, or behind the end of a message. */
export type HeaderOrigin = 'prompt' | 'message';

/** The headers of all turns that may call the same things: their trees by what is still open, and what they force. */
export class Headers {
  readonly #plan: HeaderPlan;
  readonly #vocabulary: TurnVocabulary;
  readonly #roots = new Map<string, HeaderNode>();
  readonly #runs = new WeakMap<HeaderNode, readonly number[]>();

  constructor(plan: HeaderPlan, vocabulary: TurnVocabulary) {
    this.#plan = plan;
    this.#vocabulary = vocabulary;
  }

  root(origin: HeaderOrigin, rules: HeaderRules): HeaderNode {
    const { control } = this.#vocabulary;
    const key = `${origin} ${rules.thoughts} ${rules.preamble} ${rules.calls}`;
    let root = this.#roots.get(key);
    if (root === undefined) {
      root =
        origin === 'prompt'
          ? headerTrie(this.#plan, rules, control)
          : betweenMessages(this.root('prompt', rules), control);
      this.#roots.set(key, root);
    }
    return root;
  }

  /** The ids that must come at a place in a header; empty where there is a choice. */
  forced(node: HeaderNode): readonly number[] {
    let run = this.#runs.get(node);
    if (run === undefined) {
      run = forcedRun(node, this.#vocabulary.tokenizer);
      this.#runs.set(node, run);
    }
    return run;
  }
}

/** Agents send the same tools turn after turn, so the latest are kept. */
export class HeaderCache {
  readonly #vocabulary: TurnVocabulary;
  readonly #kept = new Map<string, Headers>();
  readonly #limit: number;

  constructor(vocabulary: TurnVocabulary, limit = 32) {
    this.#vocabulary = vocabulary;
    this.#limit = limit;
  }

  of({ functions, builtins, mustCall }: HeaderPlan): Headers {
    const plan = { functions: functions.map(({ name }) => ({ name })), builtins, mustCall };
    const key = JSON.stringify(plan);
    const headers = this.#kept.get(key) ?? new Headers(plan, this.#vocabulary);
    this.#kept.delete(key); // moves it to the end: the first is the one used longest ago
    this.#kept.set(key, headers);
    if (this.#kept.size > this.#limit) this.#kept.delete(this.#kept.keys().next().value!);
    return headers;
  }
}
