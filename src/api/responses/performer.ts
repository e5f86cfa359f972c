import type { ActEvent, ActOptions, ChatEvent, ChatMessage, ChatOptions, LoadedModel } from '../../chat/index.ts';
import { AnswerTokens } from '../answer-tokens.ts';
import type { Host, Lease } from '../host.ts';
import { withPreset } from '../preset.ts';
import type { Acting, Turns } from '../turns.ts';
import type { EventLog } from './event-log.ts';
import type { StreamEvent } from './events.ts';
import { toHistory } from './history.ts';
import { readApprovals } from './hosted/approvals.ts';
import type { McpListToolsItem } from './hosted/items.ts';
import type { ServerTools } from './hosted/request.ts';
import { HostedTools } from './hosted/tools.ts';
import type { InputItem } from './items.ts';
import { knownWithModel, summaryOf } from './new-response.ts';
import { turnOptions } from './options.ts';
import type { OutputOptions } from './output.ts';
import { forModel, itemsOf, recall } from './past.ts';
import type { Recorder } from './recorder.ts';
import type { CreateBody, PromptBody } from './schema.ts';
import type { SealedThoughts } from './sealed-thoughts.ts';
import type { ResponseStore, StoredResponse } from './store.ts';
import type { Toolbox } from './tools.ts';

/** Who asks. */
export interface Caller {
  readonly client: string;
  /** Fires when they have left, or want no more. */
  readonly signal: AbortSignal;
}

/** A request that has been read: all of it that does not depend on the model. */
export interface Plan<Body extends PromptBody = CreateBody> {
  readonly body: Body;
  readonly toolbox: Toolbox;
  readonly before: readonly StoredResponse[];
  readonly input: readonly InputItem[];
}

export interface PerformerOptions {
  readonly host: Host;
  readonly turns: Turns;
  readonly store: ResponseStore;
  readonly thoughts: SealedThoughts;
  /** What is carried out here. Default: nothing. */
  readonly tools?: ServerTools;
  /** Told of what goes wrong where nobody can be told otherwise. */
  readonly report: (error: unknown, id: string) => void;
}

/** A response that has a model, and whose turn was accepted. */
interface Performance {
  readonly recorder: Recorder;
  readonly lease: Lease;
  readonly turn: AsyncIterableIterator<ChatEvent | ActEvent>;
  readonly lists: readonly McpListToolsItem[];
  readonly output: OutputOptions;
  readonly known: ReturnType<typeof knownWithModel>;
  /** Where the events of a background response are kept. */
  readonly log?: EventLog;
}

/** Carries one response out: lends a model, runs the turn, writes down what comes, and leaves nothing behind. */
export class Performer {
  readonly #options: PerformerOptions;

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  lend(name: string | null | undefined, signal: AbortSignal): Promise<Lease> {
    return this.#options.host.lend(name ?? undefined, { signal });
  }

  /**
   * Starts a response on a lent model. Rejects (and gives the model back) while the turn is not accepted. The events have to be
   * read to their end, or returned.
   */
  async perform(
    plan: Plan,
    lease: Lease,
    recorder: Recorder,
    { client, signal }: Caller,
    log?: EventLog,
  ): Promise<AsyncIterableIterator<StreamEvent>> {
    const { turns, store } = this.#options;
    const { model, name, loadMs } = lease;
    const { id } = recorder.response;
    const container = containerOf(plan, id, client);
    let turn: AsyncIterableIterator<ChatEvent | ActEvent> | undefined;
    let hosted: HostedTools | undefined;
    const done = () => {
      lease.release();
      if (turn) leave(turn);
      void hosted?.close();
      if (container.isLast) hosted?.forget(container.conversation);
    };
    try {
      const own = turnOptions(plan.body, plan.toolbox);
      hosted = await this.openHosted(plan, own, signal);
      const { messages, options } = this.conversation(plan, lease, own, hosted);
      const request = { id, api: 'responses', client, signal, loadMs } as const;
      turn = await turns.start(model, messages, options, request, this.#acting(plan, hosted, container));
      const known = knownWithModel(name, options, model.info.defaults);
      const output = this.#outputOptions(plan, model, options, hosted, container);
      const lists = hosted.lists(listedIn(plan));
      const performance = { recorder, lease, turn, lists, output, known, ...(log === undefined ? {} : { log }) };
      recorder.begin(model.name, output, known);
      if (log !== undefined) store.update(recorder.stored);
      else if (recorder.response.store) store.insert(recorder.stored);
      return finallyDoing(this.#play(performance), () => {
        done();
        if (!recorder.isSettled) this.settle(recorder, recorder.finish(), log); // the reader has left
      });
    } catch (error) {
      done();
      throw error;
    }
  }

  /** The tools of a request that run here. They have to be closed. */
  openHosted({ body, toolbox }: Plan<PromptBody>, own: ChatOptions, signal: AbortSignal): Promise<HostedTools> {
    return HostedTools.open(toolbox.hosted(body.tool_choice), this.#options.tools, own.tools ?? [], signal);
  }

  /** Undefined: nothing runs here, and the turn is an ordinary one. */
  #acting(plan: Plan, hosted: HostedTools, { conversation }: Container): Acting | undefined {
    if (hosted.isEmpty) return undefined;
    const { limits = {} } = this.#options.tools ?? {};
    const { max_tool_calls } = plan.body;
    const approvals = readApprovals(plan.input);
    const approve: ActOptions['approve'] = async (call) => {
      if (hosted.kindOf(call)?.type !== 'mcp') return { allowed: false, reason: 'nobody is there who could allow it' };
      return approvals.get(call.id) ?? { allowed: false, postponed: true };
    };
    const steps =
      typeof max_tool_calls === 'number' ? { maxSteps: Math.min(max_tool_calls, limits.maxSteps ?? 32) } : {};
    return { ...limits, ...steps, toolbox: hosted.toolbox, conversation, approve };
  }

  /** The whole conversation of a request, as a model sees it. */
  conversation<Options extends ChatOptions>(
    { body, before, input }: Plan<PromptBody>,
    lease: Lease,
    options: Options,
    hosted?: HostedTools,
  ): { readonly messages: readonly ChatMessage[]; readonly options: Options } {
    const { model } = lease;
    const past = before.flatMap(itemsOf).map((item) => forModel(item, model));
    const items = [...past, ...recall(input, this.#options, model)];
    const restore = (message: ChatMessage) => this.#options.turns.restore(model, [message])[0] ?? message;
    return withPreset(lease, toHistory(items, body.instructions, { restore, ...(hosted ? { hosted } : {}) }), options);
  }

  async *#play(performance: Performance): AsyncGenerator<StreamEvent, void, undefined> {
    const { recorder, turn, lists, log } = performance;
    if (log === undefined) yield recorder.created();
    yield recorder.inProgress();
    let last: StreamEvent;
    try {
      yield* recorder.list(lists);
      for await (const event of turn) yield* recorder.push(event);
      last = recorder.finish();
      this.#save(performance, last);
    } catch (error) {
      this.#options.report(error, recorder.response.id);
      last = this.settle(recorder, recorder.fail(error), log);
    }
    yield last;
  }

  /** Writes down that a response has ended, before `last` is sent. That it cannot is reported, and no reason not to end. */
  settle(recorder: Recorder, last: StreamEvent, log?: EventLog): StreamEvent {
    try {
      this.#save({ recorder, ...(log === undefined ? {} : { log }) }, last);
    } catch (error) {
      this.#options.report(error, recorder.response.id);
    }
    return last;
  }

  #save({ recorder, log }: Pick<Performance, 'recorder' | 'log'>, last: StreamEvent): void {
    if (!recorder.response.store) return;
    this.#options.store.update(recorder.stored, log && [...log.events, last]);
  }

  #outputOptions(
    plan: Plan,
    { name, tokenizer }: LoadedModel,
    options: ChatOptions,
    hosted: HostedTools,
    { id: container, conversation }: Container,
  ): OutputOptions {
    const { body, toolbox } = plan;
    const runsHere = {
      tools: hosted,
      container,
      conversation,
      withSources: body.include?.includes('web_search_call.action.sources') ?? false,
      withOutputs: body.include?.includes('code_interpreter_call.outputs') ?? false,
    };
    const seals = body.include?.includes('reasoning.encrypted_content');
    return {
      toolbox,
      summarizes: summaryOf(body) !== null,
      isStreamed: Boolean(body.stream || body.background),
      ...(seals ? { seal: (ids: readonly number[]) => this.#options.thoughts.seal(name, ids) } : {}),
      ...(options.topLogprobs === undefined ? {} : { logprobs: new AnswerTokens(tokenizer) }),
      ...(hosted.isEmpty ? {} : { hosted: runsHere }),
    };
  }
}

/** What the pages and variables of a response go by. */
interface Container {
  /** As the wire has it. */
  readonly id: string;
  /** As tools have it: two clients that give containers names of their own do not share them. */
  readonly conversation: string;
  /** Nobody can go on with it. */
  readonly isLast: boolean;
}

/**
 * The container that a request names, or else that of the response that its conversation began with, whose id nobody can
 * guess.
 */
function containerOf({ before, toolbox, body }: Plan, id: string, client: string): Container {
  const { container } = toolbox.hosted(body.tool_choice);
  const own = container ?? `cntr_${(before[0]?.response.id ?? id).replace(/^resp_/, '')}`;
  const isLast = container === undefined && before.length === 0 && body.store === false;
  return { id: own, isLast, conversation: /^cntr_[0-9a-f]{48}$/.test(own) ? own : `${client} ${own}` };
}

/** The MCP servers whose functions the conversation has been told. */
function listedIn({ before, input }: Plan): Set<unknown> {
  const items = [...before.flatMap(itemsOf).map(({ item }) => item), ...input];
  return new Set(items.flatMap(({ type, server_label }) => (type === 'mcp_list_tools' ? [server_label] : [])));
}

/** Ends a turn. What went wrong with it has been told already, or nobody is left to be told. */
function leave(turn: AsyncIterableIterator<ChatEvent | ActEvent>): void {
  turn.return?.().catch(() => {});
}

/** An iterator that cleans up once it is over, also when it is returned before its first `next`. */
function finallyDoing<T>(items: AsyncGenerator<T, void, undefined>, cleanUp: () => void): AsyncIterableIterator<T> {
  let isOver = false;
  const over = () => {
    if (!isOver) cleanUp();
    isOver = true;
  };
  return {
    async next() {
      try {
        const result = await items.next();
        if (result.done) over();
        return result;
      } catch (error) {
        over();
        throw error;
      }
    },
    async return() {
      try {
        return await items.return();
      } finally {
        over();
      }
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
