import type { AttentionWeights, ExpertWeights, ModelConfig, ModelWeights } from './types.ts';

/** Whose names and arrangement a checkpoint has. */
export type Dialect = 'huggingface' | 'original' | 'llamaCpp' | 'ollama';

/** What is cut out of a fused tensor: rows of q, k or v; every other row; or half of the rows. */
export type Part = 'q' | 'k' | 'v' | 'even' | 'odd' | 'first' | 'second';

/** A tensor of a file, or a part of one. */
export interface Source {
  readonly name: string;
  readonly part?: Part;
}

export interface Row {
  readonly shape: (config: ModelConfig) => readonly number[];
  /**
   * - `vector`: norms, sinks and biases.
   * - `matrix`: dense, and kept as it is: the embedding, of which a step reads a few rows, and the router, whose
   *   choices should be exact.
   * - `linear`: dense, and may become 8-bit codes.
   * - `experts`: MXFP4. Hugging Face and OpenAI name two tensors: the name below with `_blocks` and `_scales`, or
   *   `.blocks` and `.scales`, added.
   */
  readonly role: 'vector' | 'matrix' | 'linear' | 'experts';
  /** Names without the layer's prefix; the first that the checkpoint has is taken. */
  readonly sources: Readonly<Record<Dialect, readonly (string | Source)[]>>;
}

/** What stands before a layer's names. */
export const LAYER_PREFIX: Readonly<Record<Dialect, (layer: number) => string>> = {
  huggingface: (layer) => `model.layers.${layer}.`,
  original: (layer) => `block.${layer}.`,
  llamaCpp: (layer) => `blk.${layer}.`,
  ollama: (layer) => `blk.${layer}.`,
};

const part = (part: Part, name: string): Source => ({ name, part });

/** Names in the order Hugging Face, OpenAI, llama.cpp and, where Ollama has others too, Ollama's. */
function names(
  huggingface: string | Source,
  original: string | Source,
  llamaCpp: string | readonly (string | Source)[],
  ollama: readonly (string | Source)[] = [],
): Row['sources'] {
  const gguf = typeof llamaCpp === 'string' ? [llamaCpp] : llamaCpp;
  const shared = gguf.filter((source) => typeof source === 'string'); // its fused tensors are arranged otherwise
  return { huggingface: [huggingface], original: [original], llamaCpp: gguf, ollama: [...shared, ...ollama] };
}

const queries = (c: ModelConfig) => c.numAttentionHeads * c.headDim;
const keys = (c: ModelConfig) => c.numKeyValueHeads * c.headDim;

/** Tensors that belong to no layer. */
export const OUTER: Readonly<Record<Exclude<keyof ModelWeights, 'layers'>, Row>> = {
  embedding: {
    shape: (c) => [c.vocabSize, c.hiddenSize],
    role: 'matrix',
    sources: names('model.embed_tokens.weight', 'embedding.weight', 'token_embd.weight'),
  },
  norm: {
    shape: (c) => [c.hiddenSize],
    role: 'vector',
    sources: names('model.norm.weight', 'norm.scale', 'output_norm.weight'),
  },
  unembedding: {
    shape: (c) => [c.vocabSize, c.hiddenSize],
    role: 'linear',
    sources: names('lm_head.weight', 'unembedding.weight', 'output.weight'),
  },
};

/** Attention of a layer. */
export const ATTENTION: Readonly<Record<keyof AttentionWeights, Row>> = {
  norm: {
    shape: (c) => [c.hiddenSize],
    role: 'vector',
    sources: names('input_layernorm.weight', 'attn.norm.scale', 'attn_norm.weight'),
  },
  q: {
    shape: (c) => [queries(c), c.hiddenSize],
    role: 'linear',
    sources: names('self_attn.q_proj.weight', part('q', 'attn.qkv.weight'), 'attn_q.weight', [
      part('q', 'attn_qkv.weight'),
    ]),
  },
  qBias: {
    shape: (c) => [queries(c)],
    role: 'vector',
    sources: names('self_attn.q_proj.bias', part('q', 'attn.qkv.bias'), 'attn_q.bias', [part('q', 'attn_qkv.bias')]),
  },
  k: {
    shape: (c) => [keys(c), c.hiddenSize],
    role: 'linear',
    sources: names('self_attn.k_proj.weight', part('k', 'attn.qkv.weight'), 'attn_k.weight', [
      part('k', 'attn_qkv.weight'),
    ]),
  },
  kBias: {
    shape: (c) => [keys(c)],
    role: 'vector',
    sources: names('self_attn.k_proj.bias', part('k', 'attn.qkv.bias'), 'attn_k.bias', [part('k', 'attn_qkv.bias')]),
  },
  v: {
    shape: (c) => [keys(c), c.hiddenSize],
    role: 'linear',
    sources: names('self_attn.v_proj.weight', part('v', 'attn.qkv.weight'), 'attn_v.weight', [
      part('v', 'attn_qkv.weight'),
    ]),
  },
  vBias: {
    shape: (c) => [keys(c)],
    role: 'vector',
    sources: names('self_attn.v_proj.bias', part('v', 'attn.qkv.bias'), 'attn_v.bias', [part('v', 'attn_qkv.bias')]),
  },
  sinks: {
    shape: (c) => [c.numAttentionHeads],
    role: 'vector',
    sources: names('self_attn.sinks', 'attn.sinks', 'attn_sinks.weight', ['attn_sinks']),
  },
  out: {
    shape: (c) => [c.hiddenSize, queries(c)],
    role: 'linear',
    sources: names('self_attn.o_proj.weight', 'attn.out.weight', 'attn_output.weight', ['attn_out.weight']),
  },
  outBias: {
    shape: (c) => [c.hiddenSize],
    role: 'vector',
    sources: names('self_attn.o_proj.bias', 'attn.out.bias', 'attn_output.bias', ['attn_out.bias']),
  },
};

/**
 * Experts of a layer. Hugging Face, OpenAI and Ollama's early files interleave the rows of gate and linear in one
 * tensor; llama.cpp splits them, or fuses them as halves.
 */
export const EXPERTS: Readonly<Record<keyof ExpertWeights, Row>> = {
  norm: {
    shape: (c) => [c.hiddenSize],
    role: 'vector',
    sources: names('post_attention_layernorm.weight', 'mlp.norm.scale', 'post_attention_norm.weight', [
      'ffn_norm.weight',
    ]),
  },
  router: {
    shape: (c) => [c.numExperts, c.hiddenSize],
    role: 'matrix',
    sources: names('mlp.router.weight', 'mlp.gate.weight', 'ffn_gate_inp.weight'),
  },
  routerBias: {
    shape: (c) => [c.numExperts],
    role: 'vector',
    sources: names('mlp.router.bias', 'mlp.gate.bias', 'ffn_gate_inp.bias'),
  },
  gate: {
    shape: (c) => [c.numExperts, c.intermediateSize, c.hiddenSize],
    role: 'experts',
    sources: names(
      part('even', 'mlp.experts.gate_up_proj'),
      part('even', 'mlp.mlp1_weight'),
      ['ffn_gate_exps.weight', part('first', 'ffn_gate_up_exps.weight')],
      [part('even', 'ffn_gate_up_exps.weight')],
    ),
  },
  gateBias: {
    shape: (c) => [c.numExperts, c.intermediateSize],
    role: 'vector',
    sources: names(
      part('even', 'mlp.experts.gate_up_proj_bias'),
      part('even', 'mlp.mlp1_bias'),
      ['ffn_gate_exps.bias', part('first', 'ffn_gate_up_exps.bias')],
      [part('even', 'ffn_gate_up_exps.bias')],
    ),
  },
  linear: {
    shape: (c) => [c.numExperts, c.intermediateSize, c.hiddenSize],
    role: 'experts',
    sources: names(
      part('odd', 'mlp.experts.gate_up_proj'),
      part('odd', 'mlp.mlp1_weight'),
      ['ffn_up_exps.weight', part('second', 'ffn_gate_up_exps.weight')],
      [part('odd', 'ffn_gate_up_exps.weight')],
    ),
  },
  linearBias: {
    shape: (c) => [c.numExperts, c.intermediateSize],
    role: 'vector',
    sources: names(
      part('odd', 'mlp.experts.gate_up_proj_bias'),
      part('odd', 'mlp.mlp1_bias'),
      ['ffn_up_exps.bias', part('second', 'ffn_gate_up_exps.bias')],
      [part('odd', 'ffn_gate_up_exps.bias')],
    ),
  },
  down: {
    shape: (c) => [c.numExperts, c.hiddenSize, c.intermediateSize],
    role: 'experts',
    sources: names('mlp.experts.down_proj', 'mlp.mlp2_weight', 'ffn_down_exps.weight'),
  },
  downBias: {
    shape: (c) => [c.numExperts, c.hiddenSize],
    role: 'vector',
    sources: names('mlp.experts.down_proj_bias', 'mlp.mlp2_bias', 'ffn_down_exps.bias'),
  },
};
