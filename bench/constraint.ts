/**
 * What it costs to hold a turn: for each token of turns as gpt-oss writes them, the time to make the mask of its 201,088 tokens, to
 * put it on the logits and to move on, by where the token stands, against the time of a decode step.
 *
 *     npm run bench -- constraint [--model PATH] [--turns 30]
 *
 * With --model (of gpt-oss's vocabulary), or where `npm run bench -- synthetic` has made a 20b, the step is measured; else it is that of 12.2 tokens a
 * second, from docs/performance.md. "cold" is the first turn of a vocabulary that has seen no schema.
 */
import { parseArgs } from 'node:util';
import { applyMask } from '../src/engine/masking.ts';
import { Sampler, samplerScratch } from '../src/engine/sampling.ts';
import { type TurnConstraint, type TurnConstraintOptions, TurnConstraints } from '../src/harmony/index.ts';
import { load } from '../src/index.ts';
import { o200kHarmony } from '../src/tokenizer/index.ts';
import { summarise } from './speed/statistics.ts';
import { findSynthetic } from './synthetic/make.ts';

const VOCAB_SIZE = 201_088;
const DOCUMENTED_RATE = 12.2;

const { values: flags } = parseArgs({
  options: { model: { type: 'string' }, turns: { type: 'string', default: '30' } },
});

type Place = 'header' | 'free text' | 'JSON string' | 'JSON structure';

const tokenizer = o200kHarmony();
const properties = {
  path: { type: 'string', description: 'Where the file lies.' },
  mode: { enum: ['create', 'append', 'overwrite'] },
  lines: { type: 'array', items: { type: 'string' } },
  limit: { type: 'integer', minimum: 1, maximum: 10_000 },
  options: { type: 'object', properties: { encoding: { type: 'string' }, backup: { type: 'boolean' } } },
};
const names = ['read_file', 'write_file', 'list_files', 'search', 'run_tests', 'open_page', 'get_weather', 'send_mail'];
const options: TurnConstraintOptions = {
  tools: names.map((name) => ({ name, parameters: { type: 'object', properties, required: ['path'] } })),
};
const lines = [
  '# Notes',
  'The forward pass is a page; naïve code, 12 lines.',
  '- weights: mapped, not “converted”',
  '',
];
const call = JSON.stringify({
  path: 'docs/notes.md',
  mode: 'append',
  lines,
  limit: 250,
  options: { encoding: 'utf-8' },
});
const thought =
  'The user wants the notes in a file. There is a function for that, write_file, which takes a path and lines. I should keep what ' +
  'is in the file, so the mode is append; the limit does not matter much, 250 will do. Then say what was done, in one sentence.';
const turn = [
  `<|channel|>analysis<|message|>${thought}<|end|>`,
  `<|start|>assistant<|channel|>commentary to=functions.write_file <|constrain|>json<|message|>${call}<|call|>`,
].join('');

/** The ids of the turn, each with where it stands: one that touches a quote of JSON counts as structure. */
function placed(): { readonly id: number; readonly place: Place }[] {
  const names = new Map([...tokenizer.specials].map(([name, id]) => [id, name]));
  let body: 'header' | 'text' | 'json' = 'header';
  let header = '';
  let inString = false;
  return tokenizer.encodeWithSpecials(turn).map((id) => {
    const control = names.get(id);
    const text = tokenizer.decode([id]);
    const json = inString && control === undefined && !text.includes('"') ? 'JSON string' : 'JSON structure';
    const place: Place = body === 'header' ? 'header' : body === 'text' ? 'free text' : json;
    if (control === '<|message|>') body = header.includes(' to=') ? 'json' : 'text';
    else if (control !== undefined) body = 'header';
    if (control === '<|channel|>') header = '';
    if (body === 'header') header += text;
    if (body === 'json' && (text.split('"').length - 1) % 2 === 1) inString = !inString;
    return { id, place };
  });
}

interface Times {
  readonly allow: number[];
  readonly apply: number[];
  readonly advance: number[];
}

/** Microseconds, by place. */
function walk(constraint: TurnConstraint, into: Map<Place, Times>): void {
  const { mask, logits } = scratch;
  for (const { id, place } of ids) {
    logits.set(row);
    const times = into.get(place) ?? { allow: [], apply: [], advance: [] };
    into.set(place, times);
    const started = performance.now();
    mask.fill(0);
    constraint.allow(mask);
    const allowed = performance.now();
    applyMask(logits, mask);
    const applied = performance.now();
    constraint.advance(id);
    times.allow.push((allowed - started) * 1000);
    times.apply.push((applied - allowed) * 1000);
    times.advance.push((performance.now() - applied) * 1000);
  }
}

function print(title: string, times: ReadonlyMap<Place, Times>, stepMs: number): void {
  console.log(`${title.padEnd(24)}${'mask'.padStart(9)}${'apply'.padStart(9)}${'advance'.padStart(9)}   of a step`);
  for (const [place, { allow, apply, advance }] of times) {
    const medians = [allow, apply, advance].map((values) => summarise(values).median);
    const sum = medians.reduce((total, value) => total + value, 0);
    const columns = medians.map((value) => `${value.toFixed(0)} µs`.padStart(9)).join('');
    const worst = Math.max(...allow.map((value, i) => value + apply[i]! + advance[i]!)) / 1000;
    const share = `${((sum / 10 / stepMs) as number).toFixed(2)} %`.padStart(9);
    console.log(`  ${place.padEnd(22)}${columns}${share}   (${allow.length} tokens, at most ${worst.toFixed(1)} ms)`);
  }
}

/** Milliseconds between two tokens of one stream. */
async function measureStep(path: string): Promise<number> {
  await using model = await load(path, { context: 512 });
  const gaps: number[] = [];
  let last = 0;
  for await (const event of model.generate(
    ids.slice(0, 32).map(({ id }) => id),
    { maxTokens: 65, stopIds: [], temperature: 0 },
  )) {
    if (event.type !== 'token') continue;
    const now = performance.now();
    if (last > 0) gaps.push(now - last);
    last = now;
  }
  return summarise(gaps).median;
}

const ids = placed();
const scratch = samplerScratch(VOCAB_SIZE);
const row = Float32Array.from({ length: VOCAB_SIZE }, (_, i) => Math.sin(i * 12.9898) * 12);
const synthetic = (['gguf', 'huggingface'] as const)
  .map((layout) => findSynthetic('20b', layout))
  .find((made) => made.exists);
const model = flags.model ?? synthetic?.path;
const stepMs = model === undefined ? 1000 / DOCUMENTED_RATE : await measureStep(model);
const from = model === undefined ? `${DOCUMENTED_RATE} tokens/s, from docs/performance.md` : `measured, ${model}`;
console.log(
  `decode step ${stepMs.toFixed(1)} ms (${from}); a turn of ${ids.length} tokens, ${names.length} functions\n`,
);

const started = performance.now();
const constraints = new TurnConstraints(tokenizer, VOCAB_SIZE);
console.log(`vocabulary, once a process   ${(performance.now() - started).toFixed(0)} ms`);
const opened = performance.now();
const first = constraints.open(options);
console.log(`first turn: its schemas      ${(performance.now() - opened).toFixed(1)} ms\n`);
const cold = new Map<Place, Times>();
walk(first, cold);
print('cold, median', cold, stepMs);
const warm = new Map<Place, Times>();
const reopened: number[] = [];
for (let i = 0; i < Number(flags.turns); i++) {
  const begin = performance.now();
  const constraint = constraints.open(options);
  reopened.push((performance.now() - begin) * 1000);
  walk(constraint, warm);
}
print('\nwarm, median', warm, stepMs);
console.log(`  opening a turn again   ${summarise(reopened).median.toFixed(0)} µs`);

/** Choosing a token whole, for scale: with a constraint that allows all text, and without one. */
function measureChoice(constraint: TurnConstraint | undefined): number {
  const params = {
    temperature: 1,
    topP: 1,
    topK: 0,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
  };
  const rest = { logitBias: {}, seed: 1, stopIds: [], topLogprobs: 0, penaltyExempt: [] };
  const times: number[] = [];
  for (let i = 0; i < 40; i++) {
    const held = constraint && { allow: (mask: Uint32Array) => constraint.allow(mask), advance: () => {} };
    const sampler = new Sampler({ ...params, ...rest }, [], held);
    const begin = performance.now();
    sampler.choose(row, scratch);
    times.push(performance.now() - begin);
  }
  return summarise(times).median;
}

/** The constraint behind the first `count` tokens of the turn. */
function behind(count: number): TurnConstraint {
  const constraint = constraints.open(options);
  for (const { id } of ids.slice(0, count)) constraint.advance(id);
  return constraint;
}

console.log('\nchoosing a token at temperature 1, median of 40, in all');
console.log(`  no constraint          ${measureChoice(undefined).toFixed(2).padStart(7)} ms`);
for (const place of warm.keys()) {
  const at = ids.findLastIndex((token) => token.place === place);
  console.log(`  ${place.padEnd(22)} ${measureChoice(behind(at)).toFixed(2).padStart(7)} ms`);
}
