import assert from 'node:assert/strict';
import { z } from 'zod';
import type { ConsoleError, ConsoleEvent, TurnBody } from '../../src/api/index.ts';
import { sseEvents } from './sse.ts';

const JSON_TYPE = { 'content-type': 'application/json' };

export function post(url: string, body: unknown, more: RequestInit = {}): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return fetch(url, { method: 'POST', headers: JSON_TYPE, body: text, ...more });
}

/** A turn from its first event to its last, each of them in the form that the contract has. */
export async function turn(url: string, body: Partial<TurnBody>): Promise<readonly ConsoleEvent[]> {
  const whole = { messages: [{ role: 'user', content: 'Hi' }], conversation: 'c', ...body };
  const reply = await post(`${url}/ossia/turns`, whole);
  assert.equal(reply.status, 200, await (reply.ok ? '' : reply.clone().text()));
  return sseEvents(await reply.text()).map(({ data }) => checked(JSON.parse(data)));
}

/** The events of a turn one by one, as whoever speaks to it needs them. */
export async function* live(reply: Response): AsyncGenerator<ConsoleEvent, void, undefined> {
  assert.equal(reply.status, 200);
  let text = '';
  for await (const chunk of reply.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const [event] = sseEvents(text.slice(0, end + 2));
      text = text.slice(end + 2);
      if (event) yield checked(JSON.parse(event.data));
    }
  }
}

export function only<T extends ConsoleEvent['type']>(events: readonly ConsoleEvent[], type: T) {
  return events.filter((event): event is Extract<ConsoleEvent, { type: T }> => event.type === type);
}

export async function refusal(reply: Response): Promise<ConsoleError & { readonly status: number }> {
  const body = z.strictObject({ error: consoleError }).parse(await reply.json());
  return { status: reply.status, ...body.error };
}

const consoleError = z.strictObject({ code: z.string().min(1), message: z.string().min(1), next: z.string().min(1) });
const tokenText = { id: z.int().min(0), text: z.string(), control: z.literal(true).optional() };
const probability = z.number().min(0).max(1);
const call = z.strictObject({
  id: z.string(),
  name: z.string(),
  arguments: z.string(),
  builtin: z.literal(true).optional(),
  tool: z.string(),
});
const end = {
  type: z.literal('end'),
  reason: z.enum(['stop', 'tool_calls', 'length', 'cancelled']),
  stop: z.string().optional(),
  repairs: z.array(z.object({ code: z.string() })),
  reasoningCut: z.enum(['budget', 'loop', 'answer_now']).optional(),
  messages: z.array(z.looseObject({ role: z.enum(['assistant', 'tool']) })),
  seed: z.int(),
  timing: z.strictObject({ queueMs: z.number(), prefillMs: z.number(), decodeMs: z.number() }),
};

/** The events of `src/api/console/types.ts`, written down once more. */
const consoleEvent = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('begin'),
    id: z.string().regex(/^turn_[0-9a-f]{32}$/),
    model: z.string(),
    loadMs: z.number().min(0),
  }),
  z.strictObject({
    type: z.literal('prompt'),
    tokens: z.array(
      z.strictObject({
        ...tokenText,
        role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
        channel: z.string().optional(),
      }),
    ),
    cached: z.int().min(0),
  }),
  z.strictObject({
    type: z.literal('trace'),
    ...tokenText,
    channel: z.enum(['analysis', 'commentary', 'final', 'header']),
    probability,
    entropy: z.number().min(0).optional(),
    top: z.array(z.strictObject({ ...tokenText, probability })).max(8),
    forced: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal('reasoning'), delta: z.string() }),
  z.strictObject({ type: z.literal('text'), delta: z.string(), channel: z.enum(['final', 'commentary']) }),
  z.strictObject({ type: z.literal('retract') }),
  z.looseObject({ type: z.literal('tool_call_delta'), id: z.string(), name: z.string(), delta: z.string() }),
  z.looseObject({ type: z.literal('tool_call'), id: z.string(), name: z.string(), arguments: z.string() }),
  z.strictObject({ type: z.literal('message'), message: z.looseObject({ role: z.literal('assistant') }) }),
  z.strictObject({
    type: z.literal('usage'),
    promptTokens: z.int(),
    cachedTokens: z.int(),
    outputTokens: z.int(),
    reasoningTokens: z.int(),
    speculation: z.object({ drafted: z.int(), accepted: z.int() }).optional(),
  }),
  z.strictObject({ type: z.literal('approval'), call }),
  z.strictObject({ type: z.literal('tool_start'), call }),
  z.strictObject({ type: z.literal('tool_progress'), id: z.string(), text: z.string() }),
  z.strictObject({
    type: z.literal('tool_end'),
    call,
    result: z.looseObject({ text: z.string() }),
    cut: z.string().optional(),
    refused: z.literal(true).optional(),
    durationMs: z.number().min(0),
  }),
  z.strictObject({ type: z.literal('step'), step: z.int().min(1), end: z.looseObject(end) }),
  z.looseObject({ ...end, steps: z.int().min(0) }),
  z.strictObject({ type: z.literal('error'), error: consoleError }),
]);

function checked(event: unknown): ConsoleEvent {
  return consoleEvent.parse(event) as ConsoleEvent;
}
