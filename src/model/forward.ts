import type { KvPool, KvView, RopeAngles, Step, Tensor } from '../backends/index.ts';
import type { AttentionWeights, ExpertWeights, Model, ModelConfig } from './types.ts';

/** Some rows of a step: where they stand, and how their queries and keys turn. */
export interface Places {
  readonly angles: RopeAngles;
  readonly views: { readonly full: KvView; readonly sliding: KvView };
}

/** One pass over a batch of tokens: any mix of prefill chunks and single tokens of several sequences. */
export interface StepPlan {
  readonly ids: Int32Array;
  /** Where every token of the step stands. */
  readonly all: Places;
  /** The rows whose logits are wanted, in that order. */
  readonly wanted: Places & { readonly rows: Int32Array };
  /** Per layer: the pool of its keys and values, its index there, and which of the views is its own. */
  readonly caches: readonly { readonly pool: KvPool; readonly index: number; readonly kind: 'full' | 'sliding' }[];
}

/** Called with each activation by its name, as `layers.0.router_logits`, while the step is recorded. */
export type Observe = (name: string, tensor: Tensor) => void;

/**
 * Records the forward pass and returns logits [wanted rows, vocab].
 *
 * In the last layer only the wanted rows ask: the others have left their keys and values, and nobody reads more of
 * them. An observer sees every row of every layer, at that cost.
 *
 * Reference: gpt_oss/torch/model.py, Transformer.forward
 */
export function forward(step: Step, model: Model, plan: StepPlan, observe?: Observe): Tensor {
  const { config, weights } = model;
  const note = (name: string, tensor: Tensor): Tensor => {
    observe?.(name, tensor);
    return tensor;
  };
  let x = note('embedding', step.embed(weights.embedding, plan.ids)); // [tokens, hidden]
  weights.layers.forEach((layer, index) => {
    const noteHere = (name: string, tensor: Tensor) => note(`layers.${index}.${name}`, tensor);
    const asking = index === config.numLayers - 1 && !observe ? plan.wanted : undefined;
    const attended = attend(step, x, layer.attention, { config, plan, layer: index, asking, note: noteHere });
    if (asking) x = step.rows(x, asking.rows); // [wanted, hidden] from here on
    x = noteHere('after_attn', step.add(x, attended));
    x = noteHere('after_mlp', step.add(x, consultExperts(step, x, layer.experts, config, noteHere)));
  });
  const last = note('final_norm', step.rmsNorm(x, weights.norm, config.rmsNormEpsilon));
  return step.linear(observe ? step.rows(last, plan.wanted.rows) : last, weights.unembedding);
}

interface AttentionContext {
  readonly config: ModelConfig;
  readonly plan: StepPlan;
  readonly layer: number;
  /** The rows that ask, when they are not all. */
  readonly asking: StepPlan['wanted'] | undefined;
  readonly note: (name: string, tensor: Tensor) => Tensor;
}

/**
 * Each token looks at those before it, as far as its layer's window reaches. x [tokens, hidden] → [asking rows, hidden]
 *
 * Reference: gpt_oss/torch/model.py, AttentionBlock.forward
 */
function attend(step: Step, x: Tensor, w: AttentionWeights, context: AttentionContext): Tensor {
  const { config, plan, layer, asking, note } = context;
  const { pool, index, kind } = plan.caches[layer]!;
  const t = note('attn_norm', step.rmsNorm(x, w.norm, config.rmsNormEpsilon));
  const { angles, views } = asking ?? plan.all;
  const asked = asking ? step.rows(t, asking.rows) : t;
  // Products that read the same are recorded one after the other: a backend may carry them out as one.
  const products = [
    step.linear(t, w.k, w.kBias),
    step.linear(t, w.v, w.vBias),
    step.linear(asked, w.q, w.qBias),
  ] as const;
  const k = note('k_rope', step.rope(products[0], plan.all.angles)); //  [tokens, kvHeads * headDim]
  const v = note('v', products[1]); //                                    [tokens, kvHeads * headDim]
  step.writeKv(pool, index, k, v, plan.all.views[kind]);
  const q = note('q_rope', step.rope(products[2], angles)); //            [asking, heads * headDim]
  const mix = note('attn_mix', step.attend(q, pool, index, w.sinks, views[kind], config.windows[layer]!));
  return step.linear(mix, w.out, w.outBias); //                                         [asking, hidden]
}

/**
 * Each token asks its best experts and mixes their answers by the router's confidence. x [tokens, hidden] → same shape
 *
 * Reference: gpt_oss/torch/model.py, MLPBlock.forward
 */
function consultExperts(
  step: Step,
  x: Tensor,
  w: ExpertWeights,
  config: ModelConfig,
  note: AttentionContext['note'],
): Tensor {
  const t = note('mlp_norm', step.rmsNorm(x, w.norm, config.rmsNormEpsilon));
  const confidence = note('router_logits', step.linear(t, w.router, w.routerBias)); //  [tokens, experts]
  const routing = step.route(confidence, config.expertsPerToken);
  note('expert_indices', routing.experts); //                                           [tokens, picked]
  note('expert_weights', routing.weights);
  const gate = step.expertLinear(t, w.gate, w.gateBias, routing); //                    [tokens, picked, intermediate]
  const linear = step.expertLinear(t, w.linear, w.linearBias, routing);
  const inner = note('swiglu', step.swiglu(gate, linear, config.swigluLimit, config.swigluAlpha));
  const answers = step.expertLinear(inner, w.down, w.downBias, routing); //             [tokens, picked, hidden]
  return step.mixExperts(answers, routing);
}
