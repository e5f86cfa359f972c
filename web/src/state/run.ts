import { type Signal, signal } from '@preact/signals';
import { TraceRecorder } from '../inspector/trace.ts';
import { ApiError, call, unreachable } from '../net/api.ts';
import { readEvents } from '../net/sse.ts';
import type { ApprovalBody, ConsoleError, ConsoleEvent, TurnBody } from '../net/types.ts';
import { conversationById, putNode } from './conversations.ts';
import { newId } from './new-id.ts';
import { PartsFold } from './parts.ts';
import { optionsOf } from './settings.ts';
import { type AssistantNode, historyOf } from './tree.ts';
import { addTurn } from './turns.ts';

/** An answer that is being given. */
export interface LiveTurn {
  readonly conversation: string;
  /** The node that it becomes; its parts are those of `fold`. */
  readonly node: AssistantNode;
  readonly fold: PartsFold;
  /** Counts up when there is more to see, once a frame at most. */
  readonly version: Signal<number>;
  readonly abort: AbortController;
  readonly started: number;
  /** The server's name; absent until it has begun. */
  id?: string;
  stopping?: true;
  hurried?: true;
}

/** By conversation. */
export const live = signal<ReadonlyMap<string, LiveTurn>>(new Map());

/** How often what there is so far is kept, in case the page goes away. */
const KEEP_MS = 2000;
/** Tokens of one turn that are kept for the inspector. */
const TRACED = 20_000;

/** Asks for an answer to a message of the person. Resolves when it is over, however it ends. */
export async function answer(conversationId: string, question: string): Promise<void> {
  const conversation = conversationById(conversationId);
  if (!conversation || live.value.has(conversationId)) return;
  const { settings } = conversation;
  const fold = new PartsFold();
  const node: AssistantNode = {
    role: 'assistant',
    id: newId(),
    parent: question,
    created: Date.now(),
    model: settings.model,
    parts: fold.parts,
  };
  const body: TurnBody = {
    ...(settings.model === '' ? {} : { model: settings.model }),
    messages: historyOf(conversation, question),
    conversation: conversationId,
    options: optionsOf(settings),
    ...(settings.enable.length > 0 ? { enable: settings.enable } : {}),
    ...(settings.trace ? { trace: true } : {}),
  };
  const turn: LiveTurn = {
    conversation: conversationId,
    node,
    fold,
    version: signal(0),
    abort: new AbortController(),
    started: performance.now(),
  };
  putNode(conversationId, node);
  live.value = new Map(live.value).set(conversationId, turn);
  const done = await follow(turn, body);
  live.value = new Map([...live.value].filter(([id]) => id !== conversationId));
  putNode(conversationId, done);
}

/** Reads the turn to its end, and gives the node that it has become. */
async function follow(turn: LiveTurn, body: TurnBody): Promise<AssistantNode> {
  const recorder = new TraceRecorder(body, Date.now());
  let node = turn.node;
  let error: ConsoleError | undefined;
  let isOver = false;
  const show = oncePerFrame(() => turn.version.value++);
  const saving = setInterval(() => putNode(turn.conversation, withParts(node, turn.fold)), KEEP_MS);
  try {
    const response = await call('ossia/turns', { body, signal: turn.abort.signal });
    for await (const event of readEvents<ConsoleEvent>(response)) {
      if (event.type !== 'trace' || recorder.tokens < TRACED) recorder.push(event);
      turn.fold.apply(event, performance.now());
      if (event.type === 'begin') {
        turn.id = event.id;
        node = { ...node, model: event.model, turn: event.id };
        if (turn.stopping) void control(turn, 'stop');
      } else if (event.type === 'usage') node = { ...node, usage: event };
      else if (event.type === 'end') {
        const { type: _, messages, ...end } = event;
        node = { ...node, messages, end };
        isOver = true;
      } else if (event.type === 'error') error = event.error;
      show();
    }
    if (!isOver && !error) error = unreachable().plain;
  } catch (thrown) {
    if (!turn.stopping) error = thrown instanceof ApiError ? thrown.plain : unreachable().plain;
  } finally {
    clearInterval(saving);
    show.cancel();
  }
  turn.fold.finish();
  if (turn.id !== undefined) addTurn(recorder.record());
  return { ...withParts(node, turn.fold), ...(error ? { error } : {}) };
}

/** With parts of its own, which nothing changes any more. */
function withParts(node: AssistantNode, { parts }: PartsFold): AssistantNode {
  return { ...node, parts: parts.map((part) => ({ ...part })) };
}

function oncePerFrame(work: () => void): { (): void; cancel(): void } {
  let frame = 0;
  const ask = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      work();
    });
  };
  return Object.assign(ask, { cancel: () => cancelAnimationFrame(frame) });
}

/** Ends the turn with what there is. When the server does not hear, the page stops listening. */
export function stop(turn: LiveTurn): void {
  if (turn.stopping || turn.id === undefined) turn.abort.abort();
  turn.stopping = true;
  turn.version.value++;
  if (turn.id !== undefined) void control(turn, 'stop').then((heard) => heard || turn.abort.abort());
}

/** Ends the thoughts: the model answers with what it has. */
export function answerNow(turn: LiveTurn): void {
  turn.hurried = true;
  turn.version.value++;
  void control(turn, 'answer-now');
}

export function approve(turn: LiveTurn, callId: string, body: ApprovalBody): Promise<boolean> {
  return control(turn, `approvals/${encodeURIComponent(callId)}`, body);
}

/** How long the server may take to hear. */
const HEARS_MS = 5000;

async function control(turn: LiveTurn, what: string, body: object = {}): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(HEARS_MS);
    await call(`ossia/turns/${encodeURIComponent(turn.id ?? '')}/${what}`, { body, signal });
    return true;
  } catch {
    return false;
  }
}
