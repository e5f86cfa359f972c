import { randomInt } from 'node:crypto';
import { OssiaError } from '../base/index.ts';
import type { GenerateParams } from './types.ts';

/** What a numeric parameter may be. Bounds are inclusive unless `above` is set. */
export interface NumberRule {
  readonly min: number;
  readonly max: number;
  readonly integer?: true;
  /** The minimum itself is not allowed. */
  readonly above?: true;
  /** What stands when neither the caller nor the model says anything; absent where it is not one number. */
  readonly fallback?: number;
}

/** Every numeric parameter and its range: read by the validation, by docs/reference/sampling.md and by its test. */
export const NUMBER_RULES = {
  maxTokens: { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true },
  temperature: { min: 0, max: 10, fallback: 1 },
  topP: { min: 0, max: 1, above: true, fallback: 1 },
  topK: { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true, fallback: 0 },
  minP: { min: 0, max: 1, fallback: 0 },
  repetitionPenalty: { min: 0, max: 10, above: true, fallback: 1 },
  presencePenalty: { min: -2, max: 2, fallback: 0 },
  frequencyPenalty: { min: -2, max: 2, fallback: 0 },
  seed: { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true },
  topLogprobs: { min: 0, max: 20, integer: true, fallback: 0 },
} as const satisfies Partial<Record<keyof GenerateParams, NumberRule>>;

/** How far `logitBias` may push one token. */
export const BIAS_RULE: NumberRule = { min: -100, max: 100 };

const ID_LISTS = ['stopIds', 'penaltyExempt'] as const;
const KNOWN = new Set<string>([...Object.keys(NUMBER_RULES), ...ID_LISTS, 'logitBias', 'trace', 'constraint']);

/**
 * Parameters with every gap filled. `maxTokens` is absent where only the context limits the output. The constraint is no
 * longer among them: it has become an object.
 */
export type ResolvedParams = Required<Omit<GenerateParams, 'maxTokens' | 'constraint' | 'trace'>> &
  Pick<GenerateParams, 'maxTokens' | 'trace'>;

/** A range as people write it: `(0, 1]`, `integer in [0, 20]`, `integer, 1 or more`. */
export function describeRange(rule: NumberRule): string {
  if (rule.max === Number.MAX_SAFE_INTEGER) return `integer, ${rule.min} or more`;
  const interval = `${rule.above ? '(' : '['}${rule.min}, ${rule.max}]`.replaceAll('-', '−');
  return rule.integer ? `integer in ${interval}` : interval;
}

/**
 * Checks the caller's parameters and fills what they leave open: first from `defaults` (the model's), then from the table.
 * Throws `engine/bad-parameter`, which names the parameter, its range and what came.
 */
export function resolveParams(given: GenerateParams, defaults: GenerateParams, vocabSize: number): ResolvedParams {
  checkParams(given, vocabSize);
  const pick = <K extends keyof typeof NUMBER_RULES>(name: K, fallback: number): number =>
    given[name] ?? defaults[name] ?? fallback;
  const maxTokens = given.maxTokens ?? defaults.maxTokens;
  return {
    ...(maxTokens === undefined ? {} : { maxTokens }),
    temperature: pick('temperature', NUMBER_RULES.temperature.fallback),
    topP: pick('topP', NUMBER_RULES.topP.fallback),
    topK: pick('topK', NUMBER_RULES.topK.fallback),
    minP: pick('minP', NUMBER_RULES.minP.fallback),
    repetitionPenalty: pick('repetitionPenalty', NUMBER_RULES.repetitionPenalty.fallback),
    presencePenalty: pick('presencePenalty', NUMBER_RULES.presencePenalty.fallback),
    frequencyPenalty: pick('frequencyPenalty', NUMBER_RULES.frequencyPenalty.fallback),
    topLogprobs: pick('topLogprobs', NUMBER_RULES.topLogprobs.fallback),
    ...(given.trace ? { trace: true } : {}),
    seed: given.seed ?? defaults.seed ?? randomInt(2 ** 48 - 1),
    logitBias: given.logitBias ?? defaults.logitBias ?? {},
    stopIds: given.stopIds ?? defaults.stopIds ?? [],
    penaltyExempt: given.penaltyExempt ?? defaults.penaltyExempt ?? [],
  };
}

/** Throws `engine/bad-parameter` for the first parameter that is unknown, of the wrong type or out of range. */
export function checkParams(params: GenerateParams, vocabSize: number): void {
  for (const [name, value] of Object.entries(params)) {
    if (!KNOWN.has(name)) throw bad(`Unknown parameter ${show(name)}: known are ${[...KNOWN].sort().join(', ')}`, name);
    if (value === undefined || name === 'constraint') continue; // the constraint's own module reads it
    const rule: NumberRule | undefined = Object.hasOwn(NUMBER_RULES, name)
      ? NUMBER_RULES[name as keyof typeof NUMBER_RULES]
      : undefined;
    if (rule) checkNumber(name, value, rule);
    else if (name === 'logitBias') checkBias(value, vocabSize);
    else if (name === 'trace') checkFlag(name, value);
    else checkIds(name, value, vocabSize);
  }
}

/** Checks a list of token ids, such as a prompt. `name` is for the message. */
export function checkIds(name: string, value: unknown, vocabSize: number): void {
  if (!Array.isArray(value)) throw bad(`Expected ${name} to be a list of token ids, got ${show(value)}`, name);
  for (let i = 0; i < value.length; i++) {
    if (!isId(value[i], vocabSize)) {
      throw bad(`Expected ${name}[${i}] to be a token id from 0 to ${vocabSize - 1}, got ${show(value[i])}`, name);
    }
  }
}

function checkNumber(name: string, value: unknown, rule: NumberRule): void {
  const fits =
    typeof value === 'number' &&
    value >= rule.min &&
    value <= rule.max &&
    !(rule.above && value === rule.min) &&
    !(rule.integer && !Number.isInteger(value));
  if (!fits)
    throw bad(`Expected ${name} to be ${rule.integer ? 'an' : 'in'} ${describeRange(rule)}, got ${show(value)}`, name);
}

function checkFlag(name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw bad(`Expected ${name} to be true or false, got ${show(value)}`, name);
}

function checkBias(value: unknown, vocabSize: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad(`Expected logitBias to map token ids to numbers, got ${show(value)}`, 'logitBias');
  }
  for (const [key, bias] of Object.entries(value)) {
    const id = /^\d{1,10}$/.test(key) ? Number(key) : Number.NaN; // Number('') and Number(' 1') are ids to no one
    if (!isId(id, vocabSize)) {
      throw bad(
        `Expected the keys of logitBias to be token ids from 0 to ${vocabSize - 1}, got ${show(key)}`,
        'logitBias',
      );
    }
    checkNumber(`logitBias[${key}]`, bias, BIAS_RULE);
  }
}

function isId(value: unknown, vocabSize: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < vocabSize;
}

/** A value as an error message shows it: short, and telling "1" from 1. */
function show(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint' || value === undefined) return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    text = undefined; // a cycle, or a bigint inside
  }
  text ??= typeof value;
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function bad(message: string, parameter: string): OssiaError {
  return new OssiaError('engine/bad-parameter', message, { details: { parameter } });
}
