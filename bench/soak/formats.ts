import type { Random } from '../fuzz/random.ts';
import { wordsOf } from '../serve/prompts.ts';
import type { Ask } from './exchange.ts';

/** One wire format: how a turn is asked for, and what shows that the reply came to its end. */
export interface Format {
  readonly name: string;
  ask(options: TurnAsk): Ask;
  /** Whether a reply with status 200 is all there. */
  isWhole(text: string, stream: boolean): boolean;
}

export interface TurnAsk {
  readonly prompt: string;
  readonly tokens: number;
  readonly stream: boolean;
  readonly random: Random;
}

const parameters = {
  type: 'object',
  properties: { city: { type: 'string' } },
  required: ['city'],
  additionalProperties: false,
};
const weather = { name: 'get_weather', description: 'Gets the weather in a city.', parameters };
const schema = {
  type: 'object',
  properties: { answer: { type: 'string', maxLength: 40 } },
  required: ['answer'],
  additionalProperties: false,
};

const ends =
  (whole: RegExp, lastWord: RegExp) =>
  (text: string, stream: boolean): boolean =>
    stream ? lastWord.test(text) : whole.test(text) && isJson(text);

/** Ollama says the same in a stream's last line and in an answer of one piece. */
function isDone(text: string): boolean {
  const last = text.trimEnd().split('\n').at(-1)!;
  return isJson(last) && /"done":true/.test(last);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export const formats: readonly Format[] = [
  {
    name: 'chat',
    ask: ({ prompt, tokens, stream, random }) => ({
      path: '/v1/chat/completions',
      body: {
        messages: [{ role: 'user', content: prompt }],
        max_completion_tokens: tokens,
        stream,
        temperature: random.pick([0, 1, 1.5]),
        ...(random.chance(3)
          ? { tools: [{ type: 'function', function: weather }], tool_choice: random.pick(['auto', 'required', 'none']) }
          : {}),
        ...(random.chance(5)
          ? { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } } }
          : {}),
        ...(random.chance(5) ? { logprobs: true, top_logprobs: 3 } : {}),
        ...(random.chance(6) ? { n: 2 } : {}),
        ...(random.chance(4) ? { stop: ['e', 'the'] } : {}),
      },
    }),
    isWhole: ends(/"finish_reason":"(?:stop|length|tool_calls)"/, /data: \[DONE\]\s*$/),
  },
  {
    name: 'responses',
    ask: ({ prompt, tokens, stream, random }) => ({
      path: '/v1/responses',
      body: {
        input: prompt,
        max_output_tokens: tokens,
        stream,
        store: random.chance(3),
        ...(random.chance(3) ? { tools: [{ type: 'function', ...weather, strict: true }] } : {}),
        ...(random.chance(4) ? { reasoning: { effort: 'low', summary: 'auto' } } : {}),
      },
    }),
    isWhole: ends(/"status":"(?:completed|incomplete)"/, /event: response\.(?:completed|incomplete)\n/),
  },
  {
    name: 'messages',
    ask: ({ prompt, tokens, stream, random }) => ({
      path: '/v1/messages',
      body: {
        model: 'ossia-nano',
        messages: [{ role: 'user', content: prompt }],
        max_tokens: tokens,
        stream,
        ...(random.chance(3) ? { tools: [{ ...weather, parameters: undefined, input_schema: parameters }] } : {}),
      },
    }),
    isWhole: ends(/"stop_reason":"/, /event: message_stop\n/),
  },
  {
    name: 'ollama chat',
    ask: ({ prompt, tokens, stream, random }) => ({
      path: '/api/chat',
      body: {
        model: 'ossia-nano',
        messages: [{ role: 'user', content: prompt }],
        stream,
        options: { num_predict: tokens },
        ...(random.chance(4) ? { format: schema } : {}),
        ...(random.chance(4) ? { think: random.pick([true, 'low']) } : {}),
      },
    }),
    isWhole: isDone,
  },
  {
    name: 'ollama generate',
    ask: ({ prompt, tokens, stream, random }) => ({
      path: '/api/generate',
      body: {
        model: 'ossia-nano',
        prompt,
        stream,
        options: { num_predict: tokens },
        ...(random.chance(4) ? { raw: true } : {}),
      },
    }),
    isWhole: isDone,
  },
  {
    name: 'completions',
    ask: ({ prompt, tokens, stream }) => ({ path: '/v1/completions', body: { prompt, max_tokens: tokens, stream } }),
    isWhole: ends(/"finish_reason":"(?:stop|length)"/, /data: \[DONE\]\s*$/),
  },
];

/** A prompt of a few or of many words; some begin alike, so that prefixes are shared. */
export function promptOf(random: Random): string {
  const seed = random.chance(2) ? random.below(1e9) : random.below(8);
  return wordsOf(seed, random.pick([3, 12, 40, 150, 400]));
}
