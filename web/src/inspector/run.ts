import { call, json } from '../net/api.ts';
import { readEvents } from '../net/sse.ts';
import type { ConsoleEvent, Routing, RoutingBody, ToolCall, TurnBody } from '../net/types.ts';
import type { TracedStep, TurnRecord } from '../state/turns.ts';
import { TraceRecorder } from './trace.ts';

export interface RunOptions {
  readonly signal: AbortSignal;
  /** The server's name of the turn, by which it is stopped. */
  readonly begun: (id: string) => void;
  /** Called from time to time, with the tokens so far. */
  readonly progress: (tokens: number) => void;
  /** A tool of the turn asks first. */
  readonly approve: (call: ToolCall) => Promise<boolean>;
}

/** Runs a turn with every token told. A turn that fails on its way is a record with an `error`. */
export async function runTraced(body: TurnBody, options: RunOptions): Promise<TurnRecord> {
  const recorder = new TraceRecorder(body, Date.now());
  const response = await call('ossia/turns', { body, signal: options.signal });
  let id = '';
  for await (const event of readEvents<ConsoleEvent>(response)) {
    recorder.push(event);
    if (event.type === 'begin') {
      id = event.id;
      options.begun(id);
    }
    if (event.type === 'trace') options.progress(recorder.tokens);
    if (event.type === 'approval') void answer(id, event.call, options);
  }
  return recorder.record();
}

async function answer(turn: string, toolCall: ToolCall, options: RunOptions): Promise<void> {
  const allowed = await options.approve(toolCall);
  const path = `ossia/turns/${encodeURIComponent(turn)}/approvals/${encodeURIComponent(toolCall.id)}`;
  await json(path, { body: { allowed }, signal: options.signal });
}

/** Ends a turn with what there is so far. */
export async function stopTurn(id: string): Promise<void> {
  await json(`ossia/turns/${encodeURIComponent(id)}/stop`, { body: {} });
}

/** Tokens of which the server tells the experts. */
export const routingLimit = 4096;

/** The experts of a step's tokens, from its first one on. */
export function routingOf(model: string, step: TracedStep, signal: AbortSignal): Promise<Routing> {
  const ids = [...step.prompt, ...step.output].slice(0, routingLimit).map(({ id }) => id);
  const body: RoutingBody = { ...(model === '' ? {} : { model }), ids };
  return json<Routing>('ossia/routing', { body, signal });
}
