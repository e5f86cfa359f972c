import type { ModelNeeds } from '../../api/index.ts';
import type { LoadOptions } from '../../chat/index.ts';
import type { Checkpoint } from '../../checkpoint/index.ts';
import type { ModelConfig } from '../../model/index.ts';
import { bytesPerToken, fileBytesPerToken, fileWeightBytes } from '../machine/index.ts';
import { footprintOf } from './footprint.ts';

/** What a model takes where it is loaded with these options and may take so many bytes. */
export function needsOf(
  checkpoint: Checkpoint,
  config: ModelConfig,
  options: LoadOptions,
  maxBytes: number,
): ModelNeeds {
  const tensors = [...checkpoint.tensors.values()];
  const { weightsBytes, kvBytes } = footprintOf(checkpoint, config, options, maxBytes);
  const kept = fileBytesPerToken(config, tensors);
  return {
    ...fileWeightBytes(tensors),
    kvCache: kvBytes,
    perToken: options.dense === 'q8' ? Math.min(kept, bytesPerToken(config, 'q8')) : kept,
    fits: weightsBytes + kvBytes <= maxBytes,
  };
}
