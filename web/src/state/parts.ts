import type { ConsoleEvent, ToolCall, ToolResult } from '../net/types.ts';

/** What people see of an answer, in the order in which it came. */
export type Part = Thought | Said | Called;

export interface Thought {
  readonly type: 'reasoning';
  text: string;
  /** How long it took. */
  ms: number;
  /** Absent where tokens were not traced. */
  tokens?: number;
}

export interface Said {
  readonly type: 'text';
  readonly channel: 'final' | 'commentary';
  text: string;
}

/** `yours`: a call that nobody here carries out. */
export type CallStatus = 'writing' | 'asks' | 'running' | 'done' | 'failed' | 'refused' | 'yours' | 'broken-off';

export interface Called {
  readonly type: 'tool';
  readonly id: string;
  readonly name: string;
  /** `browser`, `mcp:files`; known once it runs or asks. */
  tool?: string;
  arguments: string;
  status: CallStatus;
  progress: string;
  result?: ToolResult;
  ms?: number;
}

/** What is kept of a call's output while it runs. */
const PROGRESS = 20_000;

/** Puts the events of a turn together. Parts are changed in place: whoever shows them looks again after `apply`. */
export class PartsFold {
  readonly parts: Part[] = [];
  /** Nothing is added to the last part any more. */
  #isClosed = true;
  /** As many parts as there were when the last message was over. */
  #settled = 0;
  #thoughtSince = 0;
  #thoughtTokens = 0;

  apply(event: ConsoleEvent, now: number): void {
    switch (event.type) {
      case 'trace':
        if (event.channel === 'analysis') this.#thoughtTokens++;
        break;
      case 'reasoning':
        this.#thought(event.delta, now);
        break;
      case 'text':
        this.#said(event.delta, event.channel);
        break;
      case 'retract':
        this.parts.splice(
          this.#settled,
          this.parts.length,
          ...this.parts.slice(this.#settled).filter(({ type }) => type !== 'text'),
        );
        this.#isClosed = true;
        break;
      case 'message':
        this.#settle();
        break;
      case 'step':
        this.#settle();
        break;
      case 'tool_call_delta': {
        const call = this.#call(event);
        call.arguments += event.delta;
        break;
      }
      case 'tool_call': {
        const call = this.#call(event);
        call.arguments = event.arguments;
        if (event.status === 'incomplete') call.status = 'broken-off';
        break;
      }
      case 'approval':
        this.#set(event.call, 'asks');
        break;
      case 'tool_start':
        this.#set(event.call, 'running');
        break;
      case 'tool_progress': {
        const call = this.#find(event.id);
        if (call) call.progress = (call.progress + event.text).slice(-PROGRESS);
        break;
      }
      case 'tool_end': {
        const call = this.#set(event.call, event.refused ? 'refused' : event.result.isError ? 'failed' : 'done');
        call.result = event.result;
        call.ms = event.durationMs;
        break;
      }
      case 'end':
      case 'error':
        this.finish();
    }
  }

  /** Nothing comes any more, whatever the last event was. */
  finish(): void {
    this.#settle();
    for (const part of this.parts) {
      if (part.type !== 'tool') continue;
      if (part.status === 'writing') part.status = 'yours';
      if (part.status === 'running' || part.status === 'asks') part.status = 'broken-off';
    }
  }

  #thought(delta: string, now: number): void {
    const last = this.parts.at(-1);
    if (this.#isClosed || last?.type !== 'reasoning') {
      this.#thoughtSince = now;
      this.parts.push({ type: 'reasoning', text: delta, ms: 0, ...this.#tokens() });
      this.#isClosed = false;
    } else {
      last.text += delta;
      last.ms = now - this.#thoughtSince;
      Object.assign(last, this.#tokens());
    }
  }

  #tokens(): { tokens?: number } {
    return this.#thoughtTokens > 0 ? { tokens: this.#thoughtTokens } : {};
  }

  #said(delta: string, channel: Said['channel']): void {
    const last = this.parts.at(-1);
    if (!this.#isClosed && last?.type === 'text' && last.channel === channel) last.text += delta;
    else this.parts.push({ type: 'text', channel, text: delta });
    this.#isClosed = false;
  }

  #settle(): void {
    this.#isClosed = true;
    this.#thoughtTokens = 0;
    this.#settled = this.parts.length;
  }

  #find(id: string): Called | undefined {
    return this.parts.findLast((part): part is Called => part.type === 'tool' && part.id === id);
  }

  #call({ id, name }: Pick<ToolCall, 'id' | 'name'>): Called {
    const found = this.#find(id);
    if (found) return found;
    const call: Called = { type: 'tool', id, name, arguments: '', status: 'writing', progress: '' };
    this.parts.push(call);
    return call;
  }

  #set(made: ToolCall, status: CallStatus): Called {
    const call = this.#call(made);
    call.tool = made.tool;
    call.arguments = made.arguments;
    call.status = status;
    return call;
  }
}
