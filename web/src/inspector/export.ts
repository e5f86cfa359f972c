import { csv } from '../charts/csv.ts';
import type { TurnRecord } from '../state/turns.ts';
import { rankOf, surprise } from './trace.ts';

/** Everything, for programs. */
export function traceJson(trace: TurnRecord): string {
  return `${JSON.stringify({ format: 'ossia-trace-1', ...trace }, null, 1)}\n`;
}

const columns = [
  'step',
  'part',
  'position',
  'id',
  'text',
  'control',
  'role',
  'channel',
  'cached',
  'forced',
  'probability',
  'surprise_bits',
  'entropy_bits',
  'rank',
  'alternatives',
];

/** A row for each token, prompt and output; texts as JSON strings, so that line breaks stay in their row. */
export function traceCsv(trace: TurnRecord): string {
  const rows: unknown[][] = [];
  trace.steps.forEach((step, index) => {
    step.prompt.forEach((token, position) => {
      const cached = position < step.cached;
      const { id, text, control = false, role, channel } = token;
      rows.push([index, 'prompt', position, id, JSON.stringify(text), control, role, channel, cached]);
    });
    step.output.forEach((token, at) => {
      const { id, text, control = false, channel, forced = false, probability, entropy } = token;
      const position = step.prompt.length + at;
      const others = JSON.stringify(token.top.map((each) => [each.id, each.text, each.probability]));
      const numbers = [probability, surprise(token), entropy, rankOf(token), others];
      rows.push([
        index,
        'output',
        position,
        id,
        JSON.stringify(text),
        control,
        'assistant',
        channel,
        false,
        forced,
        ...numbers,
      ]);
    });
  });
  return csv(columns, rows);
}
