import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';

/** A parser for a flag that takes a number. `range` is how a person would say it: "from 0 to 1". */
export function number(range: string, isValid: (value: number) => boolean): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (!Number.isFinite(value) || !isValid(value)) throw new InvalidArgumentError(`Expected a number ${range}.`);
    return value;
  };
}

/** A parser for a flag that takes a whole number between two bounds, both included. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER): (text: string) => number {
  const range = max === Number.MAX_SAFE_INTEGER ? `of ${min} or more` : `from ${min} to ${max}`;
  return (text) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new InvalidArgumentError(`Expected a whole number ${range}.`);
    return value;
  };
}

/** Flags and variables that say which model to load, and how. */
export interface LoadFlags {
  readonly backend?: 'cpu' | 'reference';
  readonly threads?: number;
  readonly dense?: 'bf16' | 'q8';
  readonly context?: number;
}

export function addLoadFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--backend <name>', 'what computes: cpu, or reference (plain TypeScript, slow)')
        .choices(['cpu', 'reference'])
        .env('OSSIA_BACKEND'),
    )
    .addOption(
      new Option('--threads <n>', 'threads of the cpu backend').env('OSSIA_THREADS').argParser(integer(1, 1024)),
    )
    .addOption(new Option('--dense <type>', 'how dense weights are held').choices(['bf16', 'q8']).env('OSSIA_DENSE'))
    .addOption(new Option('--context <tokens>', 'longest context').env('OSSIA_CONTEXT').argParser(integer(1, 131_072)));
}

/** Flags that say how tokens are chosen. */
export interface SamplingFlags {
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly presencePenalty?: number;
  readonly frequencyPenalty?: number;
  readonly logitBias?: Readonly<Record<number, number>>;
  readonly seed?: number;
  readonly maxTokens?: number;
  readonly stop?: readonly string[];
}

export function addSamplingFlags(command: Command): Command {
  const bipolar = number('from -2 to 2', (v) => v >= -2 && v <= 2);
  return command
    .option(
      '--temperature <t>',
      '0 is greedy',
      number('of 0 or more', (v) => v >= 0),
    )
    .option(
      '--top-p <p>',
      'keep the most probable tokens up to this sum',
      number('above 0, up to 1', (v) => v > 0 && v <= 1),
    )
    .option('--top-k <n>', 'keep this many of the most probable tokens, 0 for all', integer(0))
    .option(
      '--min-p <p>',
      'keep tokens this probable relative to the best',
      number('from 0 to 1', (v) => v >= 0 && v <= 1),
    )
    .option(
      '--repetition-penalty <x>',
      'divide the logits of tokens seen',
      number('above 0, up to 10', (v) => v > 0 && v <= 10),
    )
    .option('--presence-penalty <x>', 'subtract once from tokens of the output', bipolar)
    .option('--frequency-penalty <x>', 'subtract per occurrence in the output', bipolar)
    .option('--logit-bias <id=bias>', 'add to the logit of a token; repeatable', collectBias)
    .option('--seed <n>', 'same seed, same tokens', integer(0))
    .option('--max-tokens <n>', 'generate at most this many tokens', integer(1))
    .option('--stop <text>', 'end the answer before this text; repeatable', collectText);
}

/** The sampling flags alone, out of all flags of a command. */
export function samplingOf(flags: SamplingFlags): SamplingFlags {
  const names = [
    'temperature',
    'topP',
    'topK',
    'minP',
    'repetitionPenalty',
    'presencePenalty',
    'frequencyPenalty',
  ] as const;
  const picked: Record<string, unknown> = {};
  for (const name of [...names, 'logitBias', 'seed', 'maxTokens', 'stop'] as const) {
    if (flags[name] !== undefined) picked[name] = flags[name];
  }
  return picked;
}

/** The loading flags alone, out of all flags of a command. */
export function loadOptionsOf({ backend, threads, dense, context }: LoadFlags): LoadFlags {
  return {
    ...(backend ? { backend } : {}),
    ...(threads ? { threads } : {}),
    ...(dense ? { dense } : {}),
    ...(context ? { context } : {}),
  };
}

export function collectText(text: string, earlier: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Expected a text that is not empty.');
  return [...earlier, text];
}

function collectBias(text: string, earlier: Readonly<Record<number, number>> = {}): Readonly<Record<number, number>> {
  const [, id, bias] = /^(\d+)=(.+)$/.exec(text) ?? [];
  const value = Number(bias);
  if (id === undefined || !(value >= -100 && value <= 100)) {
    throw new InvalidArgumentError('Expected a token id and a number from -100 to 100, as in 3065=-100.');
  }
  return { ...earlier, [Number(id)]: value };
}

/** Reads standard input to its end as UTF-8. */
export function readStandardInput(): string {
  return readFileSync(0, 'utf8');
}
