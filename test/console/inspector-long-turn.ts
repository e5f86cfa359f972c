import type { ConsoleEvent } from '../../src/api/index.ts';

/** The events of a turn with this many tokens, as the server would send them; two tokens of prompt. */
export function longTurn(tokens: number): string {
  const prompt = ['<|start|>', 'assistant'].map((text, id) => ({ id, text, role: 'assistant' as const }));
  const events: ConsoleEvent[] = [
    { type: 'begin', id: 'turn_long', model: 'ossia-nano', loadMs: 0 },
    { type: 'prompt', tokens: prompt, cached: 0 },
  ];
  for (let at = 0; at < tokens; at++) {
    const text = at % 17 === 16 ? '.\n' : ` word${at % 97}`;
    const probability = at % 50 === 0 ? 0.02 : 0.95;
    const top = [{ id: at % 97, text, probability }];
    const channel = at < tokens / 2 ? 'analysis' : 'final';
    events.push({ type: 'trace', id: at % 97, text, channel, probability, entropy: probability < 0.5 ? 4 : 0.3, top });
  }
  const timing = { queueMs: 0, prefillMs: 1, decodeMs: 1000 };
  events.push({ type: 'end', reason: 'length', repairs: [], messages: [], seed: 1, timing, steps: 0 });
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');
}
