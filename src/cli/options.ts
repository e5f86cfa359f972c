import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { BIAS_RULE, describeRange, MAX_DRAFT, NUMBER_RULES, type NumberRule } from '../engine/index.ts';
import type { ChatOptions, LoadOptions } from '../index.ts';
import type { Context } from './context.ts';
import { readResponseFormat } from './format-file.ts';
import { storeOptions } from './locate.ts';
import { readToolsFile } from './tools-file.ts';

/** A parser for a flag that takes a number, within the range that the engine has for it. */
function number(rule: NumberRule): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    const fits = value >= rule.min && value <= rule.max && !(rule.above && value === rule.min);
    if (!fits || (rule.integer && !Number.isInteger(value))) {
      throw new InvalidArgumentError(`Expected ${rule.integer ? 'an ' : 'a number in '}${describeRange(rule)}.`);
    }
    return value;
  };
}

/** A parser for a flag that takes a whole number between two bounds, both included. */
export function integer(min: number, max: number): (text: string) => number {
  return number({ min, max, integer: true });
}

/** The longest context that any gpt-oss model accepts; the engine knows the one at hand. */
const MAX_CONTEXT = 131_072;

/** Flags and variables that say which model to load, and how. */
export interface LoadFlags {
  readonly backend?: 'cpu' | 'reference';
  readonly threads?: number;
  readonly dense?: 'bf16' | 'q8';
  readonly kvBits?: 8 | 16;
  readonly speculate?: NonNullable<LoadOptions['speculate']>;
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
    .addOption(
      new Option('--kv-bits <n>', 'how keys and values are held')
        .choices(['8', '16'])
        .env('OSSIA_KV_BITS')
        .argParser(parseKvBits),
    )
    .addOption(
      new Option('--speculate <how>', 'guess what follows and compute it ahead: auto, off, or so many tokens')
        .env('OSSIA_SPECULATE')
        .argParser(parseSpeculate),
    )
    .addOption(
      new Option('--context <tokens>', 'longest context').env('OSSIA_CONTEXT').argParser(integer(2, MAX_CONTEXT)),
    );
}

/** Flags that say how tokens are chosen. */
export type SamplingFlags = { readonly [K in keyof typeof SAMPLING]?: number } & {
  readonly logitBias?: Readonly<Record<number, number>>;
  readonly stop?: readonly string[];
};

const SAMPLING = {
  temperature: ['--temperature <t>', '0 is greedy'],
  topP: ['--top-p <p>', 'keep the most probable tokens up to this sum'],
  topK: ['--top-k <n>', 'keep this many of the most probable tokens, 0 for all'],
  minP: ['--min-p <p>', 'keep tokens this probable relative to the best'],
  repetitionPenalty: ['--repetition-penalty <x>', 'divide the logits of tokens seen'],
  presencePenalty: ['--presence-penalty <x>', 'subtract once from the logits of tokens in the output'],
  frequencyPenalty: ['--frequency-penalty <x>', 'subtract per occurrence in the output'],
  seed: ['--seed <n>', 'same seed, same tokens'],
  maxTokens: ['--max-tokens <n>', 'generate at most this many tokens'],
} as const satisfies Partial<Record<keyof typeof NUMBER_RULES, readonly [flag: string, about: string]>>;

const samplingNames = Object.keys(SAMPLING) as (keyof typeof SAMPLING)[];

export function addSamplingFlags(command: Command): Command {
  for (const name of samplingNames) {
    const [flag, about] = SAMPLING[name];
    command.option(flag, about, number(NUMBER_RULES[name]));
  }
  return command
    .option('--logit-bias <id=bias>', 'add to the logit of a token; repeatable', collectBias)
    .option('--stop <text>', 'end the answer before this text; repeatable', collectText);
}

/** The sampling flags alone, out of all flags of a command. */
export function samplingOf(flags: SamplingFlags): SamplingFlags {
  const names = [...samplingNames, 'logitBias', 'stop'] as const;
  return Object.fromEntries(names.filter((name) => flags[name] !== undefined).map((name) => [name, flags[name]]));
}

/** Flags and variables of loading as options of the library. */
export function loadOptionsOf(
  context: Context,
  { backend, threads, dense, kvBits, speculate, context: length }: LoadFlags,
): LoadOptions {
  return {
    stores: storeOptions(context),
    dense: dense === 'q8' ? 'q8' : 'keep',
    ...(backend === undefined ? {} : { backend }),
    ...(threads === undefined ? {} : { threads }),
    ...(kvBits === undefined ? {} : { kvBits }),
    ...(speculate === undefined ? {} : { speculate }),
    ...(length === undefined ? {} : { context: length }),
  };
}

function parseKvBits(text: string): 8 | 16 {
  if (text === '8') return 8;
  if (text === '16') return 16;
  throw new InvalidArgumentError('Expected 8 or 16.');
}

function parseSpeculate(text: string): NonNullable<LoadOptions['speculate']> {
  return text === 'auto' || text === 'off' ? text : integer(1, MAX_DRAFT)(text);
}

/** Flags that say what the model is told. */
export interface TurnFlags {
  readonly effort?: 'low' | 'medium' | 'high';
  readonly system?: string;
  readonly tools?: string;
  readonly date?: string;
  readonly hideReasoning?: boolean;
  readonly toolChoice?: NonNullable<ChatOptions['toolChoice']>;
  readonly responseFormat?: string;
  readonly maxReasoningTokens?: number;
  readonly reserve?: number;
  readonly builtin?: ChatOptions['builtins'];
  readonly truncation?: ChatOptions['truncation'];
  /** False with --no-constrain. */
  readonly constrain?: boolean;
}

export function addTurnFlags(command: Command): Command {
  return command
    .addOption(new Option('--effort <level>', 'how hard to think').choices(['low', 'medium', 'high']))
    .option('--system <text>', 'instructions for the model')
    .option('--tools <file>', 'JSON file of functions that the model may call')
    .option('--date <date>', 'the date that the model is told, or none (default: today)', parseDate)
    .option('--hide-reasoning', 'do not show thoughts')
    .option('--tool-choice <choice>', 'none, auto, required, or the function to call', parseToolChoice)
    .option('--response-format <file>', 'hold the answer to the JSON Schema in this file, or json for any object')
    .option('--max-reasoning-tokens <n>', 'think in at most this many tokens, then speak', integer(0, MAX_CONTEXT))
    .option('--reserve <n>', 'keep this many of the tokens for the answer', integer(0, MAX_CONTEXT))
    .addOption(
      new Option('--builtin <name>', 'let the model call python or browser; repeatable').argParser(collectBuiltin),
    )
    .addOption(
      new Option('--truncation <how>', 'what becomes of a conversation that is too long').choices(['disabled', 'auto']),
    )
    .option('--no-constrain', 'let the model write malformed turns (for research)');
}

export function turnOptionsOf(flags: TurnFlags): ChatOptions {
  const { effort, tools, date, toolChoice, responseFormat, maxReasoningTokens, constrain } = flags;
  const { reserve, builtin, truncation } = flags;
  return {
    ...(reserve === undefined ? {} : { reserve }),
    ...(builtin === undefined ? {} : { builtins: builtin }),
    ...(truncation === undefined ? {} : { truncation }),
    ...(toolChoice === undefined ? {} : { toolChoice }),
    ...(responseFormat === undefined ? {} : { responseFormat: readResponseFormat(responseFormat) }),
    ...(maxReasoningTokens === undefined ? {} : { maxReasoningTokens }),
    ...(constrain === false ? { constrain } : {}),
    ...(effort === undefined ? {} : { effort }),
    ...(tools === undefined ? {} : { tools: readToolsFile(tools) }),
    ...(date === undefined ? {} : { date: date === 'none' ? null : date }),
  };
}

function parseToolChoice(text: string): NonNullable<ChatOptions['toolChoice']> {
  if (text === 'none' || text === 'auto' || text === 'required') return text;
  if (text === '') throw new InvalidArgumentError('Expected none, auto, required or the name of a function.');
  return { name: text };
}

function collectBuiltin(
  name: string,
  earlier: NonNullable<ChatOptions['builtins']> = [],
): NonNullable<ChatOptions['builtins']> {
  if (name !== 'browser' && name !== 'python') throw new InvalidArgumentError('Expected browser or python.');
  return earlier.includes(name) ? earlier : [...earlier, name];
}

function parseDate(text: string): string {
  if (text !== 'none' && !/^\d{4}-\d{2}-\d{2}$/.test(text))
    throw new InvalidArgumentError('Expected 2026-03-01 or none.');
  return text;
}

export function addModelFlag(command: Command): Command {
  return command.option('-m, --model <model>', 'path or name (default: $OSSIA_MODEL, or the embedded ossia-nano)');
}

export function collectText(text: string, earlier: readonly string[] = []): readonly string[] {
  if (text === '') throw new InvalidArgumentError('Expected a text that is not empty.');
  return [...earlier, text];
}

function collectBias(text: string, earlier: Readonly<Record<number, number>> = {}): Readonly<Record<number, number>> {
  const [, id, bias] = /^(\d+)=(.+)$/.exec(text) ?? [];
  const value = Number(bias);
  if (id === undefined || !(value >= BIAS_RULE.min && value <= BIAS_RULE.max)) {
    throw new InvalidArgumentError(`Expected a token id and a number in ${describeRange(BIAS_RULE)}, as in 3065=-100.`);
  }
  return { ...earlier, [Number(id)]: value };
}
