import { allowedTokens, type ByteAutomaton, type CompiledSchema } from '../../grammar/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { allowInHeader, type Body, type HeaderNode, type HeaderRules, isNode } from './header-trie.ts';
import { HeaderCache, type HeaderOrigin, type Headers } from './headers.ts';
import { checkLimit, lastHeader, reserveOf } from './limits.ts';
import { LoopDetector } from './loop-detector.ts';
import { planTurn, type TurnConstraintOptions, type TurnPlan } from './options.ts';
import { type ConstraintNote, compileTurn, SchemaCache, type TurnSchemas } from './schemas.ts';
import { allow, type TurnVocabulary, turnVocabulary } from './vocabulary.ts';

/**
 * Constraints for the turns of one vocabulary. Made once: what it holds of the vocabulary, of headers and of schemas serves all
 * turns.
 *
 *     const constraints = new TurnConstraints(tokenizer, vocabSize);
 *     const constraint = constraints.open({ tools, toolChoice: 'required' });
 */
export class TurnConstraints {
  readonly #vocabulary: TurnVocabulary;
  readonly #headers: HeaderCache;
  readonly #schemas = new SchemaCache();

  /** `vocabSize`: the number of logits. Throws `tokenizer/bad-vocabulary` when a control token is missing. */
  constructor(tokenizer: Tokenizer, vocabSize: number) {
    this.#vocabulary = turnVocabulary(tokenizer, vocabSize);
    this.#headers = new HeaderCache(this.#vocabulary);
  }

  /**
   * The constraint of one turn. Throws `harmony/bad-constraint`, also where `maxTokens` is too little for what is asked for, and
   * `grammar/unsupported-schema` for a strict schema.
   */
  open(options: TurnConstraintOptions = {}): TurnConstraint {
    const plan = planTurn(options);
    const schemas = compileTurn(plan, this.#schemas);
    checkLimit(plan, schemas, this.#vocabulary);
    return new TurnConstraint(this.#vocabulary, plan, schemas, this.#headers.of(plan));
  }
}

/**
 * Checks options without a vocabulary, and says which schemas they relax. Throws what `open` would, but for a `maxTokens` that is
 * too little: for callers that want to know before they send a turn away.
 */
export function checkTurn(options: TurnConstraintOptions, cache = new SchemaCache()): readonly ConstraintNote[] {
  return compileTurn(planTurn(options), cache).notes;
}

/** Where in the turn the next token stands. */
type State =
  | {
      readonly in: 'header';
      readonly node: HeaderNode;
      readonly origin: HeaderOrigin;
      /** The ids of it so far. */
      readonly ids: readonly number[];
    }
  | { readonly in: 'text'; readonly body: Body; readonly count: number; readonly loop: LoopDetector | undefined }
  | { readonly in: 'json'; readonly body: Body; readonly automaton: ByteAutomaton; readonly at: JsonState }
  | { readonly in: 'over' };
type JsonState = ByteAutomaton['start'];

const NOTHING: readonly number[] = [];

/**
 * Which tokens may come next in one turn of the assistant, from right behind `<|start|>assistant` to `<|call|>` or
 * `<|return|>`: a turn that ends by one of them is well-formed. Shaped like the engine's `Constraint`.
 */
export class TurnConstraint {
  /** Which schemas could not be held exactly. */
  readonly notes: readonly ConstraintNote[];
  readonly #vocabulary: TurnVocabulary;
  readonly #plan: TurnPlan;
  readonly #schemas: TurnSchemas;
  readonly #headers: Headers;
  /** Tokens that the last message needs, `<|start|>assistant` included; −∞: nothing is kept for it. */
  readonly #kept: number;
  #state: State;
  /** Tokens left of the turn, and of its thoughts. */
  #left: number;
  #reasoningLeft: number;
  #hasPreamble = false;

  constructor(vocabulary: TurnVocabulary, plan: TurnPlan, schemas: TurnSchemas, headers: Headers) {
    this.#vocabulary = vocabulary;
    this.#plan = plan;
    this.#schemas = schemas;
    this.#headers = headers;
    this.notes = schemas.notes;
    this.#left = plan.maxTokens;
    this.#reasoningLeft = plan.reasoningTokens;
    const keeps = plan.reserve > 0 && plan.maxTokens < Number.POSITIVE_INFINITY;
    this.#kept = keeps
      ? vocabulary.sizes.opening + lastHeader(plan, schemas, vocabulary) + reserveOf(plan, schemas, vocabulary)
      : Number.NEGATIVE_INFINITY;
    this.#state = this.#begin('prompt', this.#rules(this.#left + vocabulary.sizes.opening));
  }

  /** Whether the turn has ended; nothing may come then. */
  get isOver(): boolean {
    return this.#state.in === 'over';
  }

  /** Adds the ids that may come next to a mask [⌈vocab / 32⌉] that arrives empty. */
  allow(mask: Uint32Array): void {
    const state = this.#state;
    const { table, ordinary } = this.#vocabulary;
    switch (state.in) {
      case 'header':
        allowInHeader(table, state.node, mask);
        break;
      case 'text':
        // The one mask for all free text: nothing is computed for a token of it.
        if (!this.#mustClose(state)) mask.set(ordinary);
        if (this.#mayClose(state)) allow(mask, this.#stopOf(state.body));
        break;
      case 'json':
        allowedTokens(table, state.automaton, state.at, mask);
        if (this.#mayClose(state)) allow(mask, this.#stopOf(state.body));
        break;
      case 'over':
        break;
    }
  }

  /**
   * The ids that must come next, while there is one way only: control tokens, words of a header as the tokenizer spells them, the
   * end of a thought whose tokens are spent, of JSON that is complete. Empty where there is a choice.
   */
  forced(): readonly number[] {
    const state = this.#state;
    if (state.in === 'header') return this.#headers.forced(state.node);
    if (state.in === 'over' || !this.#mustClose(state)) return NOTHING;
    const stop = this.#stopOf(state.body);
    if (!isPassing(state.body)) return [stop];
    const next = this.#headers.root('message', this.#rules(this.#left - 1, state.body));
    return [stop, ...this.#headers.forced(next)];
  }

  /** No further thoughts: one that has begun is closed, and the model answers, or calls what it may call. */
  hurry(): void {
    this.#reasoningLeft = 0;
    const state = this.#state;
    if (state.in !== 'header') return;
    // Only a header that is not yet that of a thought can become another; a thought that has begun ends after one token.
    const opening = state.origin === 'prompt' ? this.#vocabulary.sizes.opening : 0;
    let at = this.#headers.root(state.origin, this.#rules(this.#left + state.ids.length + opening));
    for (const id of state.ids) {
      const next = this.#stepHeader(at, id);
      if (next === undefined || !isNode(next)) return;
      at = next;
    }
    this.#state = { ...state, node: at };
  }

  /** Takes the token that was chosen. Throws a RangeError for one that was not allowed. */
  advance(id: number): void {
    const state = this.#state;
    this.#left--;
    if (state.in === 'header') this.#advanceHeader(state, id);
    else if (state.in === 'over') throw notAllowed(id, 'after the end of the turn');
    else if (id === this.#stopOf(state.body)) this.#close(state.body);
    else if (state.in === 'text') this.#advanceText(state, id);
    else this.#state = { ...state, at: this.#walkJson(state, id) };
  }

  #advanceHeader(state: State & { in: 'header' }, id: number): void {
    const target = this.#stepHeader(state.node, id);
    if (target === undefined) throw notAllowed(id, 'here');
    this.#state = isNode(target) ? { ...state, node: target, ids: [...state.ids, id] } : this.#enter(target);
  }

  #stepHeader(node: HeaderNode, id: number): HeaderNode | Body | undefined {
    const control = node.controls.get(id);
    const bytes = this.#vocabulary.bytesOf(id);
    if (control !== undefined || bytes === undefined) return control;
    return walk((at: HeaderNode, byte) => at.bytes.get(byte), node, bytes);
  }

  #advanceText(state: State & { in: 'text' }, id: number): void {
    this.#bytes(id);
    if (state.body.kind === 'thought') this.#reasoningLeft--;
    if (state.loop?.push(id)) this.#reasoningLeft = 0;
    this.#state = { ...state, count: state.count + 1 };
  }

  #walkJson({ automaton, at }: State & { in: 'json' }, id: number): JsonState {
    const next = walk((state: JsonState, byte) => automaton.next(state, byte), at, this.#bytes(id));
    if (next === undefined) throw notAllowed(id, 'here');
    return next;
  }

  #enter(body: Body): State {
    const schema = this.#schemaOf(body);
    if (schema !== undefined) return { in: 'json', body, automaton: schema.automaton, at: schema.automaton.start };
    const watches = body.kind === 'thought' && this.#plan.loopDetection;
    return { in: 'text', body, count: 0, loop: watches ? new LoopDetector() : undefined };
  }

  #schemaOf(body: Body): CompiledSchema | undefined {
    if (body.kind === 'function') return this.#schemas.functions[body.index];
    if (body.kind === 'builtin') return body.name.startsWith('browser') ? this.#schemas.anyObject : undefined;
    return body.kind === 'answer' ? this.#schemas.answer : undefined;
  }

  #stopOf(body: Body): number {
    const { control } = this.#vocabulary;
    if (body.kind === 'answer') return control.return;
    return isPassing(body) ? control.end : control.call;
  }

  /** Whether the body may end here: none is empty, and for measurements none ends before it has to. */
  #mayClose(state: State & { in: 'text' | 'json' }): boolean {
    if (state.in === 'json') {
      const isLast = !this.#plan.ignoreEnd || state.automaton.isFinal(state.at);
      return isLast && state.automaton.accepts(state.at);
    }
    return state.count > 0 && (!this.#plan.ignoreEnd || isPassing(state.body));
  }

  /** Whether nothing but the end of the body may come. */
  #mustClose(state: State & { in: 'text' | 'json' }): boolean {
    if (state.in === 'json') return state.automaton.isFinal(state.at);
    if (state.count === 0 || !isPassing(state.body)) return false;
    const isSpent = state.body.kind === 'thought' && this.#reasoningLeft <= 0;
    return isSpent || this.#left - 1 <= this.#kept;
  }

  #close(body: Body): void {
    if (!isPassing(body)) {
      this.#state = { in: 'over' };
      return;
    }
    const rules = this.#rules(this.#left, body);
    if (body.kind === 'preamble') this.#hasPreamble = true;
    this.#state = this.#begin('message', rules);
  }

  #begin(origin: HeaderOrigin, rules: HeaderRules): State {
    return { in: 'header', node: this.#headers.root(origin, rules), origin, ids: NOTHING };
  }

  /** What may come with so many tokens left before `<|start|>`, behind a message with this body. */
  #rules(left: number, behind?: Body): HeaderRules {
    const hasTime = left - this.#vocabulary.sizes.message >= this.#kept;
    const hasPreamble = this.#hasPreamble || behind?.kind === 'preamble';
    return {
      thoughts: hasTime && this.#reasoningLeft > 0,
      preamble: hasTime && this.#plan.preamble && !hasPreamble,
      calls: hasTime,
    };
  }

  #bytes(id: number): Uint8Array {
    const bytes = this.#vocabulary.bytesOf(id);
    if (bytes === undefined) throw notAllowed(id, 'here');
    return bytes;
  }
}

/** Whether another message follows. */
function isPassing({ kind }: Body): boolean {
  return kind === 'thought' || kind === 'preamble';
}

function walk<T>(step: (state: T, byte: number) => T | undefined, start: T, bytes: Uint8Array): T | undefined {
  let state: T | undefined = start;
  for (const byte of bytes) {
    state = step(state, byte);
    if (state === undefined) return undefined;
  }
  return state;
}

function notAllowed(id: number, where: string): RangeError {
  return new RangeError(`Token ${id} is not allowed ${where}`);
}
