import type { ModelConfig } from '../../model/index.ts';
import type { Host, ModelCard } from '../host.ts';
import { json, type Reply } from '../reply.ts';
import { findCard, nameOf } from './lending.ts';
import { writeModelfile } from './modelfile.ts';
import { CAPABILITIES, details } from './models.ts';
import { parameterCount, parameterSize } from './parameter-count.ts';
import { parameterLine, parameterLines } from './preset-parameters.ts';
import type { NameBody } from './schema.ts';

/** `POST /api/show`. Loads nothing. */
export async function show(body: NameBody, host: Host): Promise<Reply> {
  const card = await findCard(host, nameOf(body));
  const config = (await host.describe?.(card.name))?.config;
  const derived = await host.derived?.get(card.name);
  const context = card.loaded === undefined ? [] : [parameterLine('num_ctx', card.loaded.contextLength)];
  return json({
    modelfile: writeModelfile(card.from ?? card.name, derived ?? {}),
    parameters: [...parameterLines(derived?.parameters), ...context].join('\n'),
    template: '{{ .Prompt }}', // as for every model that is rendered by a program and not by a template
    ...(derived?.system === undefined ? {} : { system: derived.system }),
    renderer: 'harmony',
    parser: 'harmony',
    details: details(card, config === undefined ? '' : parameterSize(config)),
    model_info: config === undefined ? { 'general.architecture': 'gptoss' } : modelInfo(card, config),
    capabilities: CAPABILITIES,
    modified_at: card.modified.toISOString(),
  });
}

/** The keys of a GGUF file of this model. `context_length`: as loaded, or the model's longest. */
function modelInfo({ name, loaded }: ModelCard, config: ModelConfig): object {
  return {
    'general.architecture': 'gptoss',
    'general.basename': name,
    'general.file_type': 4, // MXFP4 experts
    'general.parameter_count': parameterCount(config),
    'gptoss.attention.head_count': config.numAttentionHeads,
    'gptoss.attention.head_count_kv': config.numKeyValueHeads,
    'gptoss.attention.key_length': config.headDim,
    'gptoss.attention.layer_norm_rms_epsilon': config.rmsNormEpsilon,
    'gptoss.attention.sliding_window': config.slidingWindow,
    'gptoss.attention.value_length': config.headDim,
    'gptoss.block_count': config.numLayers,
    'gptoss.context_length': loaded?.contextLength ?? config.maxContextLength,
    'gptoss.embedding_length': config.hiddenSize,
    'gptoss.expert_count': config.numExperts,
    'gptoss.expert_used_count': config.expertsPerToken,
    'gptoss.feed_forward_length': config.intermediateSize,
    'gptoss.rope.freq_base': config.ropeTheta,
    'gptoss.rope.scaling.factor': config.ropeScalingFactor,
    'gptoss.rope.scaling.original_context_length': config.initialContextLength,
    'gptoss.vocab_size': config.vocabSize,
  };
}
