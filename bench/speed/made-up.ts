import { ModelRunner, type ModelRunnerOptions } from '../../src/engine/model-runner.ts';
import type { StepEntry } from '../../src/engine/runner.ts';
import { type Model, Sequence } from '../../src/model/index.ts';
import { kvViews } from '../../src/model/kv-views.ts';
import { ropeAngles, yarn } from '../../src/model/rope.ts';

/** Of a prompt, these are computed as ever, so that working memory becomes as large as it would. */
const COMPUTED = 512;

/**
 * Fills the KV cache of long prompts without computing them: what decoding takes at a depth, and how much memory, depends on how
 * many keys and values there are and not on what they say. All steps of one token are real.
 *
 * Beyond the first tokens of a prompt, every layer takes its keys and values from the tokens' embeddings instead of from the layer
 * below. They have the layer's own weights and positions behind them, and spread as its keys do.
 */
export class MadeUpPrefill extends ModelRunner {
  readonly #model: Model;

  constructor(model: Model, options: ModelRunnerOptions) {
    super(model, options);
    this.#model = model;
  }

  override async step(entries: readonly StepEntry[]): Promise<Float32Array[]> {
    const real: StepEntry[] = [];
    for (const entry of entries) {
      const { sequence, ids, logits } = entry;
      if (ids.length === 1 || sequence.length < COMPUTED) {
        real.push(entry);
        continue;
      }
      if (!(sequence instanceof Sequence)) throw new TypeError('Cannot run a sequence of another runner');
      const last = logits === 0 ? [] : ids.slice(-logits);
      await this.#fill(sequence, ids.slice(0, ids.length - last.length));
      if (last.length > 0) real.push({ ...entry, ids: last });
    }
    return real.length === 0 ? [] : await super.step(real);
  }

  async #fill(sequence: Sequence, ids: readonly number[]): Promise<void> {
    if (ids.length === 0) return;
    const { backend, config, weights } = this.#model;
    const { cache } = sequence;
    sequence.extend(ids.length);
    const views = kvViews([sequence], [ids.length]);
    const angles = ropeAngles(yarn(config), views.full.positions);
    const step = backend.begin();
    const x = step.embed(weights.embedding, Int32Array.from(ids));
    for (const [layer, { attention }] of weights.layers.entries()) {
      const { kind, index } = cache.places[layer]!;
      const t = step.rmsNorm(x, attention.norm, config.rmsNormEpsilon);
      const k = step.rope(step.linear(t, attention.k, attention.kBias), angles);
      const v = step.linear(t, attention.v, attention.vBias);
      step.writeKv(cache[kind].storage!, index, k, v, views[kind]);
    }
    await step.read([]);
  }
}
