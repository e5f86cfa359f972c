import { randomUUID } from 'node:crypto';
import type { ActCall, ActEvent, ChatOptions } from '../../chat/index.ts';
import type { Tokenizer } from '../../tokenizer/index.ts';
import type { Tool } from '../../tools/index.ts';
import { whenDone } from '../chat-completions/merge.ts';
import type { Host } from '../host.ts';
import { withPreset } from '../preset.ts';
import type { Reply, SseEvent } from '../reply.ts';
import type { Turns } from '../turns.ts';
import { badRequest } from '../validate.ts';
import { Allowances } from './allowances.ts';
import { consoleErrorOf } from './errors.ts';
import { OutputTokens } from './output-tokens.ts';
import { promptTokens } from './prompt-tokens.ts';
import type { ApprovalBody, ConsoleEvent, TurnBody } from './types.ts';

/** Alternatives that a trace shows beside each token. */
const ALTERNATIVES = 8;

export interface ConsoleService {
  readonly host: Host;
  readonly turns: Turns;
  /** What turns may enable. Default: nothing. */
  readonly tools?: readonly Tool[];
}

export interface ConsoleCaller {
  readonly client: string;
  /** Fires when whoever asked has left. */
  readonly signal: AbortSignal;
}

/** A turn that runs, for those who speak to it by its id. */
interface Running {
  /** The caller's own name of its conversation: what others call the same is not it. */
  readonly conversation: string;
  /** Calls that wait for a person. */
  readonly asked: Map<string, ActCall>;
}

/** The turns of the console: streams of `ConsoleEvent`s, and what is said to them while they run. */
export class ConsoleTurns {
  readonly #service: ConsoleService;
  readonly #running = new Map<string, Running>();
  readonly #allowances = new Allowances();

  constructor(service: ConsoleService) {
    this.#service = service;
  }

  /** `POST /ossia/turns`. Rejects with what is wrong with the request; what goes wrong later is an `error` event. */
  async start(body: TurnBody, caller: ConsoleCaller): Promise<Reply> {
    const { host, turns } = this.#service;
    const toolbox = enabled(this.#service, body);
    const id = `turn_${randomUUID().replaceAll('-', '')}`;
    const running: Running = { conversation: conversationOf(body, caller), asked: new Map() };
    const lease = await host.lend(body.model, { signal: caller.signal });
    const stop = new AbortController();
    const done = () => {
      stop.abort();
      this.#running.delete(id);
      lease.release();
    };
    try {
      const { messages, options } = withPreset(lease, body.messages, optionsOf(body));
      const signal = AbortSignal.any([caller.signal, stop.signal]);
      const request = { id, api: 'console', client: caller.client, signal, loadMs: lease.loadMs } as const;
      const events = await turns.start(lease.model, messages, options, request, {
        toolbox,
        conversation: running.conversation,
        isAllowed: (call) => this.#allowances.has(running.conversation, call),
      });
      this.#running.set(id, running);
      const begin: ConsoleEvent = { type: 'begin', id, model: lease.name, loadMs: lease.loadMs };
      return { type: 'sse', events: whenDone(told(begin, events, running, lease.model.tokenizer), done) };
    } catch (error) {
      done();
      throw error;
    }
  }

  /** Ends a turn with what there is so far. False when no such turn runs. */
  stop(id: string): boolean {
    return this.#running.has(id) && this.#service.turns.stop(id);
  }

  /** Ends the thoughts of a turn. False when no such turn runs. */
  answerNow(id: string): boolean {
    return this.#running.has(id) && this.#service.turns.answerNow(id);
  }

  /** Says whether a call may run. False when no such call waits. */
  approve(id: string, callId: string, { allowed, reason, remember }: ApprovalBody): boolean {
    const running = this.#running.get(id);
    const call = running?.asked.get(callId);
    if (!running || !call) return false;
    if (allowed && remember) this.#allowances.add(running.conversation, call);
    running.asked.delete(callId);
    return this.#service.turns.approve(id, callId, { allowed, ...(reason === undefined ? {} : { reason }) });
  }

  /** A conversation is over: its pages, its variables and what was allowed in it go. */
  forget(conversation: string, caller: Pick<ConsoleCaller, 'client'>): void {
    const key = conversationOf({ conversation }, caller);
    this.#allowances.forget(key);
    for (const tool of this.#service.tools ?? []) tool.forget?.(key);
  }
}

/** Whoever knows the name of another client's conversation shall not read its pages. */
function conversationOf({ conversation }: Pick<TurnBody, 'conversation'>, { client }: Pick<ConsoleCaller, 'client'>) {
  return `${client} ${conversation}`;
}

/** The tools that a turn asks for. Throws `api/bad-request` for one that is not here. */
export function enabled({ tools = [] }: ConsoleService, { enable = [] }: TurnBody): readonly Tool[] {
  return [...new Set(enable)].map((name) => {
    const tool = tools.find((known) => known.name === name);
    if (tool) return tool;
    const known = tools.length === 0 ? 'it has none' : `it has ${tools.map((one) => one.name).join(', ')}`;
    throw badRequest(`enable: this server has no tool "${name}": ${known}`, 'enable');
  });
}

function optionsOf({ options = {}, trace }: TurnBody): ChatOptions {
  return { ...options, ...(trace ? { trace, topLogprobs: ALTERNATIVES } : {}) };
}

async function* told(
  begin: ConsoleEvent,
  events: AsyncIterable<ActEvent>,
  { asked }: Running,
  tokenizer: Tokenizer,
): AsyncGenerator<SseEvent, void, undefined> {
  let tokens = new OutputTokens(tokenizer);
  const say = (data: ConsoleEvent): SseEvent => ({ data });
  try {
    yield say(begin);
    for await (const event of events) {
      switch (event.type) {
        case 'prompt':
          tokens = new OutputTokens(tokenizer);
          yield say({ type: 'prompt', tokens: promptTokens(event.ids, tokenizer), cached: event.cachedTokens });
          break;
        case 'token':
          yield say({ type: 'trace', ...tokens.push(event) });
          break;
        case 'approval':
          asked.set(event.call.id, event.call);
          yield say(event);
          break;
        case 'tool_start':
        case 'tool_end':
          asked.delete(event.call.id);
          yield say(event);
          break;
        default:
          yield say(event);
      }
    }
  } catch (error) {
    yield say({ type: 'error', error: consoleErrorOf(error) });
  }
}
