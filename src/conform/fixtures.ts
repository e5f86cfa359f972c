import { demand, pick, show } from './check.ts';

/** Questions and forms that every model can do something with; what a weak model gets wrong is never held against its server. */

export const QUESTION = 'What can you do?';
export const WEATHER_QUESTION = 'What is the weather in Paris?';
export const WEATHER_RESULT = '{"temperature":21,"condition":"sunny"}';

/** Room for a model that thinks a while, in tokens. */
export const ROOM = 1024;

export const weather = {
  name: 'get_weather',
  description: 'Gets the weather.',
  parameters: {
    type: 'object',
    properties: { city: { type: 'string', description: 'The city' } },
    required: ['city'],
    additionalProperties: false,
  },
};

/** A tool that takes nothing: its arguments are `{}`. */
export const health = {
  name: 'get_system_health',
  description: 'Says how the system is.',
  parameters: { type: 'object', properties: {} },
};

export const mood = {
  type: 'object',
  properties: { mood: { type: 'string', enum: ['good', 'bad'] }, score: { type: 'integer' } },
  required: ['mood', 'score'],
  additionalProperties: false,
};

/** An answer that was asked for by the schema above. */
export function demandMood(answer: string): void {
  const value = parseObject(answer);
  demand(value !== undefined, `the answer is no JSON object: ${show(answer)}`);
  const { mood, score, ...others } = value;
  const fits = (mood === 'good' || mood === 'bad') && Number.isInteger(score) && Object.keys(others).length === 0;
  demand(fits, `the answer does not fit its schema: ${show(answer)}`);
}

/** Arguments of a call of `get_weather`, as the text that OpenAI's formats have. */
export function demandWeather(name: unknown, args: unknown): void {
  demand(name === weather.name, `called ${show(name)} instead of ${weather.name}`);
  demand(typeof args === 'string', `arguments are ${show(args)}, not a text`);
  demandCity(parseObject(args), args);
}

export function demandCity(value: unknown, shown: unknown = value): void {
  const fits = typeof pick(value, 'city') === 'string' && Object.keys(value as object).length === 1;
  demand(fits, `arguments do not fit their schema: ${show(shown)}`);
}

export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Models that are known to think. Of others nobody can tell from outside. */
export function mustReason(model: string): boolean {
  return /gpt-?oss|ossia/i.test(model);
}

/** Harmony's control tokens, and thoughts in tags. */
export const MARKUP = /<\|(?:start|end|message|channel|constrain|return|call|endoftext)\|>|<\/?think>/;
