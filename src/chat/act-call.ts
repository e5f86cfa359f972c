import type { ToolResult } from '../tools/index.ts';
import type { Callable } from './act-tools.ts';
import type { ActCall, ActEvent, ActOptions, Approval } from './acting-types.ts';

/** Why a call is broken off. */
export interface CallSignals {
  /** Nobody wants the turn any more. */
  readonly cancelled: AbortSignal;
  /** The model shall answer: the caller is in a hurry, or time is up. */
  readonly hurry: AbortSignal;
}

export interface CallOptions extends Pick<ActOptions, 'conversation' | 'approve' | 'isAllowed'>, CallSignals {
  readonly timeoutMs: number;
}

/** How a call went. `postponed`: nobody has said yet whether it may run. */
export type Outcome =
  | { readonly result: ToolResult; readonly refused?: true; readonly durationMs: number }
  | { readonly postponed: true };

/** Characters of progress that are passed on for one call; what a program prints beyond that is in its result. */
const MAX_PROGRESS = 256 * 1024;

/** Asks for a call where that is needed, and carries it out. Tells of all but its end; throws nothing. */
export async function* carryOut(
  call: ActCall,
  callable: Callable,
  options: CallOptions,
): AsyncGenerator<ActEvent, Outcome, undefined> {
  const approval = yield* ask(call, callable, options);
  if (approval.postponed) return { postponed: true };
  if (!approval.allowed) {
    const { reason } = approval;
    const text =
      stopText(options) ?? (reason === undefined ? 'The user did not allow this call.' : `Not allowed: ${reason}`);
    return { result: { text, isError: true }, refused: true, durationMs: 0 };
  }
  yield { type: 'tool_start', call };
  const started = performance.now();
  const result = yield* run(call, callable, options);
  return { result, durationMs: performance.now() - started };
}

async function* ask(
  call: ActCall,
  { tool, name }: Callable,
  { approve, isAllowed, cancelled, hurry }: CallOptions,
): AsyncGenerator<ActEvent, Approval, undefined> {
  if (!tool.needsApproval?.({ name, arguments: call.arguments }) || isAllowed?.(call)) return { allowed: true };
  if (approve === undefined) return { allowed: false, reason: 'nobody is there who could allow it' };
  const signal = AbortSignal.any([cancelled, hurry]);
  // Asked before it is told, so that who hears of it can answer at once.
  const answer = settled(() => approve(call, signal), signal);
  yield { type: 'approval', call };
  const { value } = await answer;
  return value ?? { allowed: false, reason: 'nobody answered' };
}

async function* run(
  call: ActCall,
  { tool, name }: Callable,
  options: CallOptions,
): AsyncGenerator<ActEvent, ToolResult, undefined> {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), options.timeoutMs);
  const signal = AbortSignal.any([options.cancelled, options.hurry, over.signal]);
  const said = new Progress();
  const { conversation } = options;
  const request = { name, arguments: call.arguments, conversation, signal, progress: (text: string) => said.add(text) };
  const done = settled(() => tool.call(request), signal);
  done.then(() => said.close());
  try {
    for await (const text of said) yield { type: 'tool_progress', id: call.id, text };
    const { value, error } = await done;
    if (value !== undefined) return value;
    if (error === undefined) {
      const text = stopText(options) ?? `Timed out after ${options.timeoutMs / 1000} seconds.`;
      return { text, isError: true };
    }
    return { text: `The tool failed: ${error instanceof Error ? error.message : String(error)}`, isError: true };
  } finally {
    clearTimeout(timer);
    over.abort(); // whoever read the events has left
  }
}

/** What the model is told of a call that was broken off, or not even begun. */
export function stopText({ cancelled, hurry }: CallSignals): string | undefined {
  if (cancelled.aborted) return 'Cancelled.';
  return hurry.aborted ? 'Stopped: there is no time for more. Answer with what you have.' : undefined;
}

/** What comes of work, or nothing at all once the signal fires, whether the work heeds it or not. Never rejects. */
async function settled<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly value?: T; readonly error?: unknown }> {
  if (signal.aborted) return {};
  return new Promise((resolve) => {
    const give = (outcome: { value?: T; error?: unknown }) => {
      signal.removeEventListener('abort', leave);
      resolve(outcome);
    };
    const leave = () => give({});
    signal.addEventListener('abort', leave, { once: true });
    const begun = (async () => work())();
    begun.then(
      (value) => give({ value }),
      (error: unknown) => give(signal.aborted ? {} : { error: error ?? new Error('no reason given') }),
    );
  });
}

/** Texts that are read as they come; those that wait become one. */
class Progress {
  #waiting = '';
  #length = 0;
  #closed = false;
  #wake: () => void = () => {};

  add(text: string): void {
    if (this.#closed || this.#length >= MAX_PROGRESS) return;
    this.#length += text.length;
    this.#waiting += text;
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (;;) {
      if (this.#waiting !== '') {
        const text = this.#waiting;
        this.#waiting = '';
        yield text;
      } else if (this.#closed) return;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}
