import type { ActEvent, ChatEvent, ToolCall } from '../index.ts';
import { showSteps } from './steps.ts';
import type { Channel, Terminal } from './terminal.ts';
import { printable } from './terminal.ts';

/** Shows the events of a turn, and of the turns that follow it. */
export type Show = (event: ChatEvent | ActEvent) => void;

export interface ShowOptions {
  readonly hideReasoning: boolean;
  /** Calls may be carried out here: which of them are left to the reader is known only at the end. */
  readonly acts?: boolean;
}

/** Every event as a JSON line. */
export function showJson({ out }: Terminal): Show {
  return (event) => out.line(JSON.stringify(event));
}

/**
 * For people: on a terminal, thoughts dimmed and the answer plain as they come, calls in a frame. Elsewhere standard
 * output gets whole messages of the answer and calls as JSON lines, nothing else; thoughts go to standard error if that
 * is a terminal.
 */
export function showText(terminal: Terminal, options: ShowOptions): Show {
  const { out, err } = terminal;
  const showEnd = endShower(err);
  const answer = out.isTerminal ? streamShower(out) : messageShower(out, options.acts ?? false);
  const steps = showSteps(out.isTerminal ? out : err);
  const thoughts = out.isTerminal ? out : err.isTerminal ? err : undefined;
  const visible = options.hideReasoning ? undefined : thoughts;
  let thinking = false;
  return (event) => {
    if (event.type === 'reasoning') {
      visible?.writeDim(printable(event.delta));
      thinking = true;
      return;
    }
    if (thinking && event.type === 'message') {
      visible?.freshLine();
      if (visible === out) out.line(); // an empty line between thoughts and answer
      thinking = false;
    }
    answer(event);
    steps(event as ActEvent);
    if (event.type === 'end') showEnd(event);
  };
}

/** On a terminal: pieces as they come. */
function streamShower(out: Channel): Show {
  return (event) => {
    switch (event.type) {
      case 'text':
        return out.write(printable(event.delta));
      case 'retract':
        out.freshLine();
        return out.line(out.dim('(That was no answer: it goes on below.)'));
      case 'tool_call':
        out.freshLine();
        for (const line of frame(event)) out.line(out.dim(line.slice(0, 2)) + line.slice(2));
        return;
      case 'message':
      case 'end':
        return out.freshLine();
    }
  };
}

/** Elsewhere: whole messages, because text can be retracted and a pipe cannot take anything back. */
function messageShower(out: Channel, acts: boolean): Show {
  // Calls that run here are steps on the way: only those that are left to the reader are part of what comes out.
  const calls = new Map<string, ToolCall>();
  return (event) => {
    if (event.type === 'message' && event.message.surface === 'text') out.line(event.message.content);
    if (event.type === 'tool_call' && acts) calls.set(event.id, event);
    else if (event.type === 'tool_call') out.line(callAsJson(event));
    if (event.type === 'tool_start' || event.type === 'tool_end') calls.delete(event.call.id);
    if (event.type === 'step') calls.clear();
    if (event.type === 'end') for (const call of calls.values()) out.line(callAsJson(call));
  };
}

const LIMITS = {
  steps: 'all steps were taken',
  time: 'time was up',
  context: 'the context has no room for more results',
} as const;

/** What the reader should know of how the turn ended. */
function endShower(err: Channel): (event: Extract<ChatEvent | ActEvent, { type: 'end' }>) => void {
  return (end) => {
    const { reason, messages, truncated, reasoningCut, notes = [] } = end;
    if (truncated) err.line(`note: the oldest ${truncated.messages} messages were left out: the context is too short`);
    if ('limit' in end && end.limit)
      err.line(`note: ${LIMITS[end.limit]}, and the model had to answer with what it had`);
    if (reasoningCut === 'loop') err.line('note: the thoughts went in circles and were closed');
    for (const { tool, path, message } of notes) {
      const whose = tool === undefined ? 'the response format' : `the schema of ${tool}`;
      err.line(`note: ${printable(`${whose} is not held at "${path}": ${message}`)}`);
    }
    if (reason === 'length') err.line('note: the answer was cut: --max-tokens or the context is used up');
    else if (reason === 'stop' && messages.length === 0) err.line('note: the model gave no answer');
  };
}

/** `{"name":"get_weather","arguments":{"city":"Oslo"}}`; arguments that are not JSON are given as a text. */
function callAsJson({ name, arguments: text }: ToolCall): string {
  const json = isJson(text) ? text.replaceAll('\n', ' ') : JSON.stringify(text);
  return `{"name":${JSON.stringify(name)},"arguments":${json}}`;
}

function frame({ name, arguments: text, status }: Extract<ChatEvent, { type: 'tool_call' }>): string[] {
  const note = { complete: '', incomplete: ' (cut short)', undeclared: ' (not declared)' }[status];
  const body = isJson(text) ? JSON.stringify(JSON.parse(text), null, 2) : text;
  const lines = printable(body).split('\n');
  return [`┌ call ${printable(name)}${note}`, ...lines.map((line) => `│ ${line}`), '└'];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
