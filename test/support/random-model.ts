import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../../bench/fuzz/random.ts';
import { type SafetensorsTensor, writeSafetensors } from './safetensors-writer.ts';

const NANO = fileURLToPath(new URL('../../models/ossia-nano', import.meta.url));

/**
 * Writes a model that knows nothing: the shapes of ossia-nano's first layer and its tokenizer, with random weights. Its
 * logits spread over about ±10, so that at a temperature above 1 it says anything at all.
 */
export function writeRandomModel(directory: string, seed: number): void {
  const random = new Random(seed);
  for (const file of ['tokenizer.json', 'generation_config.json']) cpSync(join(NANO, file), join(directory, file));
  const config: object = JSON.parse(readFileSync(join(NANO, 'config.json'), 'utf8'));
  const oneLayer = { ...config, num_hidden_layers: 1, layer_types: ['full_attention'] };
  writeFileSync(join(directory, 'config.json'), JSON.stringify(oneLayer));
  writeSafetensors(join(directory, 'model.safetensors'), randomTensors(random));
}

function randomTensors(random: Random): SafetensorsTensor[] {
  const file = readFileSync(join(NANO, 'model.safetensors'));
  const header: Record<string, { dtype: string; shape: number[] }> = JSON.parse(
    file.subarray(8, 8 + Number(file.readBigUInt64LE(0))).toString(),
  );
  return Object.entries(header)
    .filter(([name]) => name !== '__metadata__' && !/layers\.[1-9]/.test(name))
    .map(([name, { dtype, shape }]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      const bytes = dtype === 'U8' ? codes(name, count, random) : bfloats(name, count, random);
      return { name, dtype, shape, bytes };
    });
}

/** MXFP4: any codes, and scales from 2^-9 to 2^-2. */
function codes(name: string, count: number, random: Random): Uint8Array {
  const isScale = name.endsWith('_scales');
  return Uint8Array.from({ length: count }, () => (isScale ? 118 + random.below(8) : random.below(256)));
}

function bfloats(name: string, count: number, random: Random): Uint8Array {
  const isNorm = name.includes('norm');
  const spread = name === 'lm_head.weight' ? 0.35 : name.includes('embed') ? 1 : 0.1;
  const values = Float32Array.from({ length: count }, () => (isNorm ? 1 : (random.below(20001) / 10000 - 1) * spread));
  const words = new Uint16Array(values.buffer);
  return new Uint8Array(Uint16Array.from({ length: count }, (_, i) => words[2 * i + 1]!).buffer); // the upper half of each
}
