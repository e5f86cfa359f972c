/**
 * What guessing ahead brings (prompt lookup, `speculate`): decoding with and without, in turns in one process, of a text that repeats
 * its prompt (a file with a few changes) and of one that does not. The model is made to say the very text, by a constraint that
 * allows one token at a time, so that drafts come true as often as they would for a model that writes it; `own words` are free.
 *
 *     npm run bench -- speculation [--models ossia-nano,20b-sixth] [--threads 4] [--rounds 7] [--tokens 256] [--modes auto,2,4,8]
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { cpuMachine, openBackend } from '../src/backends/index.ts';
import { openCheckpoint } from '../src/checkpoint/index.ts';
import { allowToken, type Constraint } from '../src/engine/constraint.ts';
import { LocalEngine } from '../src/engine/index.ts';
import { ModelRunner } from '../src/engine/model-runner.ts';
import type { Speculate } from '../src/engine/speculation.ts';
import type { EndEvent } from '../src/engine/types.ts';
import { loadModel } from '../src/model/index.ts';
import { o200kHarmony, tokenizerFromJson } from '../src/tokenizer/index.ts';
import { goldenDirectory } from '../test/support/golden.ts';
import { summarise } from './speed/statistics.ts';
import { makeSynthetic } from './synthetic/make.ts';
import type { Preset } from './synthetic/presets.ts';

const { values: flags } = parseArgs({
  options: {
    models: { type: 'string', default: 'ossia-nano,20b-sixth' },
    threads: { type: 'string', default: String(cpuMachine().defaultThreads) },
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '256' },
    modes: { type: 'string', default: 'auto,2,4,8' },
  },
});
const count = Number(flags.tokens);
const modes: Speculate[] = ['off', ...flags.modes.split(',').map((mode) => (mode === 'auto' ? mode : Number(mode)))];

interface Task {
  readonly name: string;
  readonly prompt: readonly number[];
  /** What is said; absent: whatever the model says. */
  readonly script?: readonly number[];
}

/** Allows the script's tokens, one by one. */
class Script implements Constraint {
  readonly #ids: readonly number[];
  #next = 0;

  constructor(ids: readonly number[]) {
    this.#ids = ids;
  }

  allow(mask: Uint32Array): void {
    allowToken(mask, this.#ids[this.#next]!);
  }

  advance(): void {
    this.#next++;
  }
}

function read(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
}

/** `encode`: text as ids of the model. */
function tasksOf(encode: (text: string) => number[]): Task[] {
  const file = read('src/engine/plan.ts');
  const edited = file.replaceAll('sequences', 'texts').replace('Every sequence takes part', 'Each text takes part');
  const [readme, other] = [read('README.md'), read('docs/conform.md')];
  return [
    { name: 'an edited file', prompt: encode(`Call the sequences texts.\n${file}\n`), script: encode(edited) },
    { name: 'a new text', prompt: encode(`Write a page.\n${readme.slice(0, 1200)}\n`), script: encode(other) },
  ];
}

async function decode(engine: LocalEngine, { prompt, script }: Task): Promise<EndEvent> {
  const params = { maxTokens: Math.min(count, script?.length ?? count), temperature: 0, stopIds: [] };
  let end: EndEvent | undefined;
  for await (const event of engine.submit(prompt, params, script ? { constraint: new Script(script) } : {})) {
    if (event.type === 'end') end = event;
  }
  return end!;
}

async function measure(name: string): Promise<void> {
  const isNano = name === 'ossia-nano';
  const path = isNano
    ? goldenDirectory('../../models/ossia-nano')
    : makeSynthetic(name as Preset, 'huggingface', { log: console.log });
  const checkpoint = await openCheckpoint(path);
  const backend = await openBackend('cpu', { threads: Number(flags.threads) });
  const model = loadModel(checkpoint, backend, { dense: 'q8' });
  const { vocabSize } = model.config;
  const tokenizer = isNano ? tokenizerFromJson(readFileSync(`${path}/tokenizer.json`, 'utf8')) : o200kHarmony();
  // A vocabulary that was cut takes ids as they come: what repeats still does.
  const tasks = tasksOf((text) => Array.from(tokenizer.encode(text), (id) => id % vocabSize));
  if (isNano) {
    const checks = JSON.parse(read('test/golden/ossia-nano-checks.json')) as { cases: { prompt_ids: number[] }[] };
    tasks.push({ name: 'own words', prompt: checks.cases[0]!.prompt_ids });
  }
  const runners = modes.map(() => new ModelRunner(model, { contextLength: 8192 }));
  const engines = runners.map((runner, i) => new LocalEngine(runner, { speculate: modes[i]! }));
  for (const task of tasks) {
    const ends: EndEvent[][] = modes.map(() => []);
    for (let round = 0; round <= Number(flags.rounds); round++) {
      for (const [i, engine] of engines.entries()) {
        const end = await decode(engine, task);
        if (round > 0) ends[i]!.push(end); // the first one computes the prompt
      }
    }
    const rate = (end: EndEvent) => (1000 * (end.outputTokens - 1)) / end.timing.decodeMs;
    const off = summarise(ends[0]!.map(rate));
    const columns = ends.slice(1).map((own) => {
      const { median } = summarise(own.map((end, round) => rate(end) / rate(ends[0]![round]!)));
      const best = summarise(own.map(rate)).max / off.max; // what others do on the machine disturbs the fastest runs least
      const { drafted, accepted } = own.at(-1)!.speculation ?? { drafted: 0, accepted: 0 };
      return `**${best.toFixed(2)}** ${median.toFixed(2)} (${accepted} of ${drafted})`;
    });
    console.log(
      `| ${name} | ${task.name} | ${ends[0]![0]!.outputTokens} | ${off.max.toFixed(0)} | ${columns.join(' | ')} |`,
    );
  }
  for (const engine of engines) await engine.close();
  for (const runner of runners) runner.dispose();
  backend.dispose();
  checkpoint.close();
}

console.log(
  'Decoding, as a multiple of without: **fastest runs**, median of rounds (ids that came true, of those that were guessed).\n',
);
console.log(`| model | text | tokens | off, tokens/s | ${modes.slice(1).join(' | ')} |`);
console.log(`|---|---|---|---|${'---|'.repeat(modes.length - 1)}`);
for (const name of flags.models.split(',')) await measure(name);
