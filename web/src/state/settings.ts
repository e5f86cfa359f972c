import type { ResponseFormat, TurnOptions } from '../net/types.ts';

/** How a conversation is held; each keeps its own, and a new one begins with the last that were used. */
export interface Settings {
  /** '': the server's default. */
  readonly model: string;
  readonly effort: 'low' | 'medium' | 'high';
  readonly system: string;
  /** Absent: the model's or the server's default. */
  readonly temperature?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly maxTokens?: number;
  readonly seed?: number;
  readonly format: 'text' | 'json' | 'schema';
  /** JSON text; for `schema`. */
  readonly schema: string;
  /** Names of the server's tools. */
  readonly enable: readonly string[];
  /** Whether the inspector will be able to show every token. */
  readonly trace: boolean;
  /** Whether the oldest turns are left out when there is no room for them. */
  readonly truncate: boolean;
  /** Whether thoughts are open while they come. */
  readonly showThoughts: boolean;
}

export const defaults: Settings = {
  model: '',
  effort: 'medium',
  system: '',
  format: 'text',
  schema: '{\n  "type": "object",\n  "properties": { "answer": { "type": "string" } },\n  "required": ["answer"]\n}',
  enable: [],
  trace: true,
  truncate: false,
  showThoughts: true,
};

const numbers = ['temperature', 'topP', 'minP', 'maxTokens', 'seed'];
const choices: Readonly<Record<string, readonly string[]>> = {
  effort: ['low', 'medium', 'high'],
  format: ['text', 'json', 'schema'],
};

/** What is sound of settings that were kept or come from a file, and the defaults for the rest. */
export function settingsFrom(read: unknown): Settings {
  if (typeof read !== 'object' || read === null) return defaults;
  const sound = Object.entries(read).filter(([name, value]) => {
    if (name === 'enable') return Array.isArray(value) && value.every((one) => typeof one === 'string');
    if (numbers.includes(name)) return Number.isFinite(value);
    const choice = choices[name];
    return choice
      ? choice.includes(value)
      : Object.hasOwn(defaults, name) && typeof value === typeof defaults[name as keyof Settings];
  });
  return { ...defaults, ...Object.fromEntries(sound) };
}

const KEY = 'ossia.settings';

export function lastSettings(): Settings {
  try {
    const { seed: _, ...kept } = settingsFrom(JSON.parse(localStorage.getItem(KEY) ?? '{}'));
    return kept;
  } catch {
    return defaults;
  }
}

export function rememberSettings(settings: Settings): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // Then a new conversation begins with the defaults.
  }
}

export function optionsOf(settings: Settings): TurnOptions {
  const { effort, temperature, topP, minP, maxTokens, seed, truncate } = settings;
  const responseFormat = formatOf(settings);
  const sampling = { temperature, topP, minP, maxTokens, seed };
  return {
    effort,
    ...Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined)),
    ...(truncate ? { truncation: 'auto' as const } : {}),
    ...(responseFormat === undefined ? {} : { responseFormat }),
  };
}

function formatOf({ format, schema }: Settings): ResponseFormat | undefined {
  if (format === 'json') return 'json_object';
  if (format !== 'schema' || schemaProblem(schema) !== undefined) return undefined;
  return { name: 'answer', schema: JSON.parse(schema) as unknown };
}

/** What keeps a text from being a JSON schema; the server has the last word. */
export function schemaProblem(text: string): string | undefined {
  try {
    const schema: unknown = JSON.parse(text);
    return typeof schema === 'object' && schema !== null && !Array.isArray(schema)
      ? undefined
      : 'A schema is a JSON object';
  } catch (error) {
    return `This is no JSON: ${error instanceof Error ? error.message : String(error)}`;
  }
}
