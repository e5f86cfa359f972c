import type { Json } from './chat-stream.ts';

/** A function, a question that asks plainly for it, arguments that fit it, and what it gives. */
export interface CompatCase {
  readonly name: string;
  readonly description: string;
  readonly parameters: Json;
  readonly question: string;
  readonly arguments: Json;
  readonly output: string;
}

const text = (description: string) => ({ type: 'string', description });
const object = (properties: object, required: readonly string[], more: object = {}) => ({
  type: 'object',
  properties,
  required,
  ...more,
});
const closed = { additionalProperties: false };

/** Schemas of the kinds that OpenAI's compatibility test has, with its traps: nested lists, enums, bounds, no parameters at all. */
export const compatCases: readonly CompatCase[] = [
  {
    name: 'get_weather',
    description: 'Gets the weather.',
    parameters: object({ city: text('The city'), unit: { type: 'string', enum: ['C', 'F'] } }, ['city'], closed),
    question: 'What is the weather in Lima?',
    arguments: { city: 'Lima', unit: 'C' },
    output: '{"temperature":19,"condition":"foggy"}',
  },
  {
    name: 'get_health',
    description: 'Tells how the system is.',
    parameters: { type: 'object', properties: {} },
    question: 'Is the system well?',
    arguments: {},
    output: '{"status":"ok"}',
  },
  {
    name: 'convert_currency',
    description: 'Converts money.',
    parameters: object(
      {
        amount: { type: 'number', minimum: 0 },
        from: { type: 'string', pattern: '^[A-Z]{3}$' },
        to: { type: 'string', pattern: '^[A-Z]{3}$' },
      },
      ['amount', 'from', 'to'],
      closed,
    ),
    question: 'How many euros are 12.50 dollars?',
    arguments: { amount: 12.5, from: 'USD', to: 'EUR' },
    output: '{"amount":11.4}',
  },
  {
    name: 'draw_chart',
    description: 'Draws a chart.',
    parameters: object(
      {
        data: { type: 'array', items: { type: 'array', items: { type: 'number' } } },
        kind: { type: 'string', enum: ['line', 'bar', 'scatter'] },
        title: text('Above it'),
      },
      ['data', 'kind'],
      closed,
    ),
    question: 'Draw (1, 10), (2, 20) and (3, 15) as a line.',
    arguments: { data: [[1, 10], [2, 20], [3, 15]], kind: 'line' }, // biome-ignore format: points
    output: '{"url":"https://example.com/chart.png"}',
  },
  {
    name: 'query_table',
    description: 'Reads rows of a table.',
    parameters: object(
      {
        table: { type: 'string', enum: ['users', 'orders'] },
        columns: { type: 'array', items: { type: 'string' } },
        limit: { type: 'integer', minimum: 1, maximum: 10_000 },
      },
      ['table', 'columns'],
      closed,
    ),
    question: 'Give me the names and mail addresses of five users.',
    arguments: { table: 'users', columns: ['name', 'mail'], limit: 5 },
    output: '[]',
  },
  {
    name: 'send_mail',
    description: 'Sends a mail.',
    parameters: object({ to: text('An address'), subject: text('What it is about'), body: text('The text') }, [
      'to',
      'body',
    ]),
    question: 'Tell anna@example.com that dinner is at eight.',
    arguments: { to: 'anna@example.com', body: 'Dinner is at eight. "Bring wine" 🙂\n' },
    output: '{"sent":true}',
  },
];

/** What the embedded model has learnt. */
export const nanoCases: readonly CompatCase[] = [
  [
    'get_weather',
    'Gets the weather.',
    'city',
    'The city',
    'What is the weather in Paris?',
    '{"temperature":21,"condition":"sunny"}',
  ],
  [
    'get_current_weather',
    'Gets the current weather.',
    'location',
    'The city',
    'What is the weather in Rome?',
    '{"temperature":25,"condition":"sunny"}',
  ],
  ['get_time', 'Gets the time.', 'city', 'The city', 'What time is it in Tokyo?', '{"time":"14:05"}'],
  ['calculate', 'Calculates.', 'expression', 'The expression', 'What is 12 + 30?', '{"result":42}'],
].map(([name = '', description = '', parameter = '', meaning = '', question = '', output = '']) => ({
  name,
  description,
  parameters: object({ [parameter]: text(meaning) }, [parameter], closed),
  question,
  arguments: {},
  output,
}));
