import { randomUUID } from 'node:crypto';
import type { Lease } from '../host.ts';
import { withPreset } from '../preset.ts';
import { json, type Reply } from '../reply.ts';
import { seeded } from '../sampling.ts';
import { whenDone } from './merge.ts';
import { toMessages } from './messages.ts';
import { toOptions } from './options.ts';
import { reportOf, usageOf } from './report.ts';
import { type AnswerForm, choiceOf, finishTurn } from './response.ts';
import type { ChatCompletionRequest } from './schema.ts';
import { type Caller, type Service, systemFingerprint } from './service.ts';
import { chunks } from './stream.ts';
import { customNames, customNotes } from './tools.ts';
import { RequestTurns } from './turns.ts';

export { type ChatCompletionRequest, chatCompletionRequest } from './schema.ts';
export type { Caller, Service } from './service.ts';

/**
 * `POST /v1/chat/completions`. Rejects with what is wrong with the request, or that there is no room for it, before anything is
 * sent; what goes wrong in a stream is said in the stream.
 */
export async function chatCompletion(request: ChatCompletionRequest, service: Service, caller: Caller): Promise<Reply> {
  const asked = { messages: toMessages(request.messages), options: toOptions(request) };
  const lease = await service.host.lend(request.model ?? undefined, { signal: caller.signal });
  const head = headOf(request, lease, service);
  const turns = new RequestTurns(head.id, 'chat', lease, caller);
  try {
    const { messages, options } = withPreset(lease, asked.messages, asked.options);
    await turns.start(
      seeded(options, request.n ?? 1).map((own) => (turn) => service.turns.start(lease.model, messages, own, turn)),
    );
    if (request.stream === true) return streamed(request, head, turns, formOf(request, lease));
    const reply = await whole(request, head, turns, formOf(request, lease));
    turns.done();
    return reply;
  } catch (error) {
    turns.done();
    throw error;
  }
}

type Head = ReturnType<typeof headOf>;

function headOf({ service_tier: tier, stream }: ChatCompletionRequest, { model, name }: Lease, { version }: Service) {
  return {
    id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
    object: stream === true ? 'chat.completion.chunk' : 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model: name,
    system_fingerprint: systemFingerprint(model.info, version),
    ...(tier == null ? {} : { service_tier: 'default' }),
  };
}

function formOf(request: ChatCompletionRequest, { model }: Lease): AnswerForm {
  const isLegacy = (request.functions ?? []).length > 0;
  return {
    reasoning: request.include_reasoning !== false && request.reasoning?.exclude !== true,
    logprobs: request.logprobs === true,
    isLegacy,
    maxCalls: isLegacy || request.parallel_tool_calls === false ? 1 : Number.POSITIVE_INFINITY,
    custom: customNames(request),
    tokenizer: model.tokenizer,
  };
}

async function whole(
  request: ChatCompletionRequest,
  head: Head,
  turns: RequestTurns,
  form: AnswerForm,
): Promise<Reply> {
  const finished = await Promise.all(turns.all.map((turn) => finishTurn(turn, form, turns.signal)));
  return json({
    ...head,
    choices: finished.map((turn, index) => choiceOf(turn, index, form)),
    usage: usageOf(finished.map(({ usage }) => usage)),
    seed: finished[0]?.end.seed,
    ...reportOf(finished, customNotes(request)),
  });
}

function streamed(request: ChatCompletionRequest, head: Head, turns: RequestTurns, form: AnswerForm): Reply {
  const events = chunks(turns.all, {
    head,
    form,
    includeUsage: request.stream_options?.include_usage === true,
    notes: customNotes(request),
    signal: turns.signal,
  });
  return { type: 'sse', events: whenDone(events, turns.done) };
}
