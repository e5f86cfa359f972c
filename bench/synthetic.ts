/**
 * `npm run bench -- synthetic [--preset 20b] [--layouts gguf,huggingface] [--dir D] [--seed 1]`: makes checkpoints of the exact
 * gpt-oss shape with random weights, the same in each layout, and prints where they are. `npm run bench -- speed` uses them.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { makeSynthetic, type SyntheticLayout } from './synthetic/make.ts';
import { type Preset, presets } from './synthetic/presets.ts';

const { values } = parseArgs({
  options: {
    preset: { type: 'string', default: '20b' },
    layouts: { type: 'string', default: 'gguf,huggingface' },
    dir: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const layouts = values.layouts.split(',');
const bad = layouts.find((layout) => layout !== 'gguf' && layout !== 'huggingface');
if (!Object.hasOwn(presets, values.preset) || bad !== undefined) {
  console.error(`Expected --preset ${Object.keys(presets).join(' | ')} and --layouts gguf,huggingface`);
  process.exitCode = 2;
} else {
  for (const layout of layouts) {
    const path = makeSynthetic(values.preset as Preset, layout as SyntheticLayout, {
      ...(values.dir === undefined ? {} : { directory: resolve(values.dir) }),
      seed: Number(values.seed),
      log: console.log,
    });
    console.log(path);
  }
}
