import type { Tensor } from '../backends/index.ts';
import { OssiaError } from '../base/index.ts';
import { forward, type Places, type StepPlan } from './forward.ts';
import { kvViews, pickTokens } from './kv-views.ts';
import type { KvCache, Sequence } from './kvcache.ts';
import { ropeAngles, yarn } from './rope.ts';
import type { Model } from './types.ts';

/** What one sequence puts into a step. */
export interface StepEntry {
  readonly sequence: Sequence;
  /** The tokens that follow what the sequence holds; at least one. */
  readonly ids: ArrayLike<number>;
  /** Whose logits to return: none, the last token's, all, or those of the named indices into `ids`, in that order. */
  readonly logits: 'none' | 'last' | 'all' | readonly number[];
}

export interface StepOptions {
  /** Says which inner activations to read back, by name; see `forward.ts` for the names. */
  readonly observe?: (name: string) => boolean;
}

/** An activation that was read back, for all tokens of the step in the order of its entries. */
export interface Observation {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface StepResult {
  /** Per entry: its wanted rows, [rows, vocab] row-major. */
  readonly logits: readonly Float32Array[];
  readonly observed: ReadonlyMap<string, Observation>;
}

/**
 * Runs the model over new tokens of one or several sequences, which grow by them. When it fails, every sequence is as
 * long as before. One step at a time per cache.
 */
export async function runStep(
  model: Model,
  cache: KvCache,
  entries: readonly StepEntry[],
  options: StepOptions = {},
): Promise<StepResult> {
  const ids = checkEntries(model, cache, entries);
  const before = entries.map(({ sequence }) => sequence.length);
  const retreat = () => {
    entries.forEach(({ sequence }, i) => {
      if (sequence.length > before[i]!) sequence.retreat(before[i]!);
    });
  };
  try {
    for (const { sequence, ids } of entries) sequence.extend(ids.length);
    return await carryOut(model, cache, entries, ids, options);
  } catch (error) {
    retreat();
    throw error;
  }
}

async function carryOut(
  model: Model,
  cache: KvCache,
  entries: readonly StepEntry[],
  ids: Int32Array,
  options: StepOptions,
): Promise<StepResult> {
  const { vocabSize } = model.config;
  const plan = planStep(model, cache, entries, ids);
  const step = model.backend.begin();
  const noted = new Map<string, Tensor>();
  const { observe } = options;
  const logits = forward(
    step,
    model,
    plan,
    observe && ((name, tensor) => void (observe(name) && noted.set(name, tensor))),
  );
  const wantsLogits = plan.wanted.rows.length > 0;
  const values = await step.read([...noted.values(), ...(wantsLogits ? [logits] : [])]);

  const rows = wantsLogits ? values.at(-1)! : new Float32Array();
  let row = 0;
  const perEntry = entries.map((entry) => {
    const first = row;
    row += wantedIndices(entry).length;
    return rows.subarray(first * vocabSize, row * vocabSize);
  });
  const observed = [...noted].map(([name, { shape }], i) => [name, { shape, values: values[i]! }] as const);
  return { logits: perEntry, observed: new Map(observed) };
}

/** Positions, tables and angles of a step whose sequences have been extended. */
function planStep(model: Model, cache: KvCache, entries: readonly StepEntry[], ids: Int32Array): StepPlan {
  const rope = yarn(model.config);
  const views = kvViews(
    entries.map(({ sequence }) => sequence),
    entries.map(({ ids }) => ids.length),
  );
  const all: Places = { views, angles: ropeAngles(rope, views.full.positions) };
  let first = 0;
  const rows = entries.flatMap((entry) => {
    const start = first;
    first += entry.ids.length;
    return wantedIndices(entry).map((index) => start + index);
  });
  const wanted = Int32Array.from(rows);
  const full = pickTokens(views.full, wanted);
  const sliding = pickTokens(views.sliding, wanted);
  return {
    ids,
    all,
    wanted: { rows: wanted, views: { full, sliding }, angles: ropeAngles(rope, full.positions) },
    caches: cache.places.map(({ kind, index }) => ({ kind, index, pool: cache[kind].storage! })),
  };
}

function wantedIndices({ ids, logits }: StepEntry): readonly number[] {
  switch (logits) {
    case 'none':
      return [];
    case 'last':
      return [ids.length - 1];
    case 'all':
      return Array.from({ length: ids.length }, (_, index) => index);
    default:
      return logits;
  }
}

/** All ids of a step, one entry after the other. */
function checkEntries(model: Model, cache: KvCache, entries: readonly StepEntry[]): Int32Array {
  const { vocabSize } = model.config;
  const seen = new Set<Sequence>();
  const all: number[] = [];
  for (const { sequence, ids, logits } of entries) {
    if (sequence.cache !== cache) throw new TypeError('Cannot run a sequence of another cache');
    if (seen.has(sequence)) throw new TypeError('Cannot run a sequence twice in one step');
    seen.add(sequence);
    if (ids.length === 0) throw new RangeError('Expected an entry to bring at least one token, got none');
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      if (!(Number.isInteger(id) && id >= 0 && id < vocabSize)) {
        throw new OssiaError('tokenizer/unknown-token', `Cannot run token ${id}: the vocabulary has ${vocabSize}`);
      }
      all.push(id);
    }
    if (typeof logits === 'string') continue;
    const bad = logits.find((index) => !(Number.isInteger(index) && index >= 0 && index < ids.length));
    if (bad !== undefined) throw new RangeError(`Cannot return logits of token ${bad} of an entry of ${ids.length}`);
  }
  return Int32Array.from(all);
}
