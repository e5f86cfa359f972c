import { randomUUID } from 'node:crypto';
import type { ChatEvent } from '../../chat/index.ts';
import { whenDone } from '../chat-completions/merge.ts';
import { finishReason, usageOf } from '../chat-completions/report.ts';
import { finishTurn } from '../chat-completions/response.ts';
import { type Caller, type Service, systemFingerprint } from '../chat-completions/service.ts';
import { RequestTurns } from '../chat-completions/turns.ts';
import type { Lease } from '../host.ts';
import { json, type Reply } from '../reply.ts';
import { seeded } from '../sampling.ts';
import { LegacyLogprobsWriter } from './logprobs.ts';
import { type Prompt, toContinueOptions, toPrompts } from './request.ts';
import type { CompletionRequest } from './schema.ts';
import { chunks } from './stream.ts';

export { type CompletionRequest, completionRequest } from './schema.ts';

/** OpenAI's; with so few tokens a text is seldom whole, but clients count on it. */
const DEFAULT_MAX_TOKENS = 16;

/**
 * `POST /v1/completions`: text goes on as the model would have it, with no conversation around it. Rejects with what is wrong
 * with the request; what goes wrong in a stream is said in the stream.
 */
export async function completion(request: CompletionRequest, service: Service, caller: Caller): Promise<Reply> {
  const asked = toContinueOptions(request);
  const lease = await service.host.lend(request.model ?? undefined, { signal: caller.signal });
  const head = headOf(lease, service);
  const turns = new RequestTurns(head.id, 'completions', lease, caller);
  try {
    const prompts = toPrompts(request, lease.model.tokenizer);
    const maxTokens = request.max_tokens ?? lease.preset?.parameters?.maxTokens ?? DEFAULT_MAX_TOKENS;
    const options = { ...presetOf(lease), ...asked, maxTokens };
    await turns.start(
      prompts.flatMap(({ ids }) =>
        seeded(options, request.n ?? 1).map(
          (own) => (turn) => (maxTokens === 0 ? nothing(ids) : service.turns.continue(lease.model, ids, own, turn)),
        ),
      ),
    );
    const echoes = turns.all.map((_, index) => echoOf(request, prompts, index));
    if (request.stream === true) return streamed(request, head, turns, echoes, lease);
    const reply = await whole(request, head, turns, echoes, lease);
    turns.done();
    return reply;
  } catch (error) {
    turns.done();
    throw error;
  }
}

function headOf({ model, name }: Lease, { version }: Service) {
  return {
    id: `cmpl-${randomUUID().replaceAll('-', '')}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: name,
    system_fingerprint: systemFingerprint(model.info, version),
  };
}

function presetOf({ preset }: Lease): object {
  const { effort: _e, stop, ...parameters } = preset?.parameters ?? {};
  return { ...parameters, ...(stop === undefined ? {} : { stop: typeof stop === 'string' ? [stop] : stop }) };
}

/** Zero tokens are asked for by who wants their prompt counted, or echoed. */
async function* nothing(ids: readonly number[]): AsyncGenerator<ChatEvent, void, undefined> {
  yield { type: 'usage', promptTokens: ids.length, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 };
  const timing = { queueMs: 0, prefillMs: 0, decodeMs: 0 };
  yield { type: 'end', reason: 'length', repairs: [], messages: [], seed: 0, timing };
}

function echoOf({ echo, n }: CompletionRequest, prompts: readonly Prompt[], index: number): string {
  return echo === true ? (prompts[Math.floor(index / (n ?? 1))]?.text ?? '') : '';
}

async function whole(
  request: CompletionRequest,
  head: object,
  turns: RequestTurns,
  echoes: readonly string[],
  { model: { tokenizer } }: Lease,
): Promise<Reply> {
  const form = { logprobs: request.logprobs != null, tokenizer };
  const finished = await Promise.all(turns.all.map((turn) => finishTurn(turn, form, turns.signal)));
  return json({
    ...head,
    choices: finished.map(({ text, logprobs, end }, index) => ({
      index,
      text: `${echoes[index]}${text}`,
      logprobs: request.logprobs == null ? null : new LegacyLogprobsWriter(request.logprobs).write(logprobs),
      finish_reason: finishReason(end, [], false),
      ...(end.stop === undefined ? {} : { stop_reason: end.stop }),
    })),
    usage: usageOf(
      finished.map(({ usage }) => usage),
      request.n ?? 1,
    ),
    seed: finished[0]?.end.seed,
  });
}

function streamed(
  request: CompletionRequest,
  head: object,
  turns: RequestTurns,
  echoes: readonly string[],
  { model: { tokenizer } }: Lease,
): Reply {
  const events = chunks(turns.all, {
    head,
    tokenizer,
    echoes,
    logprobs: request.logprobs ?? undefined,
    includeUsage: request.stream_options?.include_usage === true,
    answersPerPrompt: request.n ?? 1,
    signal: turns.signal,
  });
  return { type: 'sse', events: whenDone(events, turns.done) };
}
