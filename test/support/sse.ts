import assert from 'node:assert/strict';

/** One server-sent event as it came. */
export interface ReceivedEvent {
  readonly event: string | undefined;
  readonly id: string | undefined;
  readonly data: string;
}

/** The events of a whole stream. Refuses whatever a strict reader could stumble over. */
export function sseEvents(text: string): ReceivedEvent[] {
  assert.ok(text === '' || text.endsWith('\n\n'), 'a stream ends with a whole event');
  assert.ok(!text.includes('\r'), 'lines end with \\n');
  return text
    .split('\n\n')
    .slice(0, -1)
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const fields = new Map<string, string[]>();
      for (const line of block.split('\n')) {
        const [, name = '', value = ''] = /^(event|id|data): (.*)$/.exec(line) ?? assert.fail(`a line like ${line}`);
        fields.set(name, [...(fields.get(name) ?? []), value]);
      }
      const data = fields.get('data') ?? assert.fail('an event without data');
      return { event: fields.get('event')?.[0], id: fields.get('id')?.[0], data: data.join('\n') };
    });
}
