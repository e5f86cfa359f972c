import { allowedTokens, type ByteAutomaton, type CompiledSchema } from '../../grammar/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import { allowInHeader, type Body, betweenMessages, type HeaderNode, headerTrie, isNode } from './header-trie.ts';
import { planTurn, type TurnConstraintOptions, type TurnPlan } from './options.ts';
import { type ConstraintNote, compileTurn, SchemaCache, type TurnSchemas } from './schemas.ts';
import { allow, type TurnVocabulary, turnVocabulary } from './vocabulary.ts';

/**
 * Constraints for the turns of one vocabulary. Made once: what it holds of the vocabulary and of schemas serves all turns.
 *
 *     const constraints = new TurnConstraints(tokenizer, vocabSize);
 *     const constraint = constraints.open({ tools, toolChoice: 'required' });
 */
export class TurnConstraints {
  readonly #vocabulary: TurnVocabulary;
  readonly #schemas = new SchemaCache();

  /** `vocabSize`: the number of logits. Throws `tokenizer/bad-vocabulary` when a control token is missing. */
  constructor(tokenizer: Tokenizer, vocabSize: number) {
    this.#vocabulary = turnVocabulary(tokenizer, vocabSize);
  }

  /** The constraint of one turn. Throws `harmony/bad-constraint`, and `grammar/unsupported-schema` for a strict schema. */
  open(options: TurnConstraintOptions = {}): TurnConstraint {
    const plan = planTurn(options);
    return new TurnConstraint(this.#vocabulary, plan, compileTurn(plan, this.#schemas));
  }
}

/**
 * Checks options without a vocabulary, and says which schemas they relax. Throws what `open` would: for callers that want
 * to know before they send a turn away.
 */
export function checkTurn(options: TurnConstraintOptions, cache = new SchemaCache()): readonly ConstraintNote[] {
  return compileTurn(planTurn(options), cache).notes;
}

/** Where in the turn the next token stands. */
type State =
  | { readonly in: 'header'; readonly node: HeaderNode }
  | { readonly in: 'text'; readonly body: Body; readonly count: number }
  | { readonly in: 'json'; readonly body: Body; readonly automaton: ByteAutomaton; readonly at: JsonState }
  | { readonly in: 'over' };
type JsonState = ByteAutomaton['start'];

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
  /** By what is still open: a turn may have many messages and as many tools. */
  readonly #headers = new Map<string, HeaderNode>();
  #state: State;
  #reasoningLeft: number;
  #hasPreamble = false;

  constructor(vocabulary: TurnVocabulary, plan: TurnPlan, schemas: TurnSchemas) {
    this.#vocabulary = vocabulary;
    this.#plan = plan;
    this.#schemas = schemas;
    this.notes = schemas.notes;
    this.#reasoningLeft = plan.reasoningTokens;
    this.#state = { in: 'header', node: this.#header() };
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
        if (state.body.kind !== 'thought' || this.#reasoningLeft > 0) mask.set(ordinary);
        if (state.count > 0) allow(mask, this.#stopOf(state.body));
        break;
      case 'json':
        allowedTokens(table, state.automaton, state.at, mask);
        if (state.automaton.accepts(state.at)) allow(mask, this.#stopOf(state.body));
        break;
      case 'over':
        break;
    }
  }

  /** Takes the token that was chosen. Throws a RangeError for one that was not allowed. */
  advance(id: number): void {
    const state = this.#state;
    if (state.in === 'header') this.#advanceHeader(state.node, id);
    else if (state.in === 'over') throw notAllowed(id, 'after the end of the turn');
    else if (id === this.#stopOf(state.body)) this.#close(state.body);
    else if (state.in === 'text') this.#advanceText(state, id);
    else this.#state = { ...state, at: this.#walkJson(state, id) };
  }

  #advanceHeader(node: HeaderNode, id: number): void {
    const target = node.controls.get(id) ?? walk((at, byte) => at.bytes.get(byte), node, this.#bytes(id), id);
    this.#state = isNode(target) ? { in: 'header', node: target } : this.#enter(target);
  }

  #advanceText(state: State & { in: 'text' }, id: number): void {
    this.#bytes(id);
    if (state.body.kind === 'thought') this.#reasoningLeft--;
    this.#state = { ...state, count: state.count + 1 };
  }

  #walkJson({ automaton, at }: State & { in: 'json' }, id: number): JsonState {
    return walk((state, byte) => automaton.next(state, byte), at, this.#bytes(id), id);
  }

  #enter(body: Body): State {
    const schema = this.#schemaOf(body);
    if (schema === undefined) return { in: 'text', body, count: 0 };
    return { in: 'json', body, automaton: schema.automaton, at: schema.automaton.start };
  }

  #schemaOf(body: Body): CompiledSchema | undefined {
    if (body.kind === 'function') return this.#schemas.tools.get(body.tool);
    if (body.kind === 'builtin') return body.name.startsWith('browser') ? this.#schemas.anyObject : undefined;
    return body.kind === 'answer' ? this.#schemas.answer : undefined;
  }

  #stopOf(body: Body): number {
    const { control } = this.#vocabulary;
    if (body.kind === 'answer') return control.return;
    return body.kind === 'thought' || body.kind === 'preamble' ? control.end : control.call;
  }

  #close(body: Body): void {
    if (body.kind === 'preamble') this.#hasPreamble = true;
    const goesOn = body.kind === 'thought' || body.kind === 'preamble';
    const { control } = this.#vocabulary;
    this.#state = goesOn ? { in: 'header', node: betweenMessages(this.#header(), control) } : { in: 'over' };
  }

  #header(): HeaderNode {
    const rules = { thoughts: this.#reasoningLeft > 0, preamble: this.#plan.preamble && !this.#hasPreamble };
    const key = `${rules.thoughts} ${rules.preamble}`;
    const header = this.#headers.get(key) ?? headerTrie(this.#plan, rules, this.#vocabulary.control);
    this.#headers.set(key, header);
    return header;
  }

  #bytes(id: number): Uint8Array {
    const bytes = this.#vocabulary.bytesOf(id);
    if (bytes === undefined) throw notAllowed(id, 'here');
    return bytes;
  }
}

function walk<T>(step: (state: T, byte: number) => T | undefined, start: T, bytes: Uint8Array, id: number): T {
  let state = start;
  for (const byte of bytes) {
    const next = step(state, byte);
    if (next === undefined) throw notAllowed(id, 'here');
    state = next;
  }
  return state;
}

function notAllowed(id: number, where: string): RangeError {
  return new RangeError(`Token ${id} is not allowed ${where}`);
}
