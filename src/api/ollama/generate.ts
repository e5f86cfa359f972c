import type { AssistantMessage, ChatMessage, ChatOptions } from '../../chat/index.ts';
import type { Lease } from '../host.ts';
import type { Reply } from '../reply.ts';
import { badRequest } from '../validate.ts';
import { contextOf, historyOf } from './context.ts';
import { lend, nameOf } from './lending.ts';
import { loadOrUnload } from './loading.ts';
import { refuseImages } from './messages.ts';
import { checkContext, turnOptions } from './options.ts';
import { rawTurn, rawWording } from './raw.ts';
import type { OllamaRequest, OllamaState } from './request.ts';
import type { GenerateBody } from './schema.ts';
import { conversationTurn, type Turn, turnReply, type Wording } from './turn-reply.ts';

/** `POST /api/generate`. Without a prompt it loads a model, or unloads it when `keep_alive` is 0. */
export async function generate(body: GenerateBody, state: OllamaState, request: OllamaRequest): Promise<Reply> {
  const startedAt = performance.now();
  const { prompt = '', stream = true } = body;
  const name = nameOf(body);
  refuse(body);
  if (prompt === '') return await loadOrUnload(body, state, request, { response: '' });
  const options = turnOptions(body);
  const lease = await lend(state.host, name, { keepAlive: body.keep_alive, signal: request.signal });
  try {
    checkContext(body, lease.model.info.contextLength);
    const turn = body.raw === true ? bare(lease, prompt, options) : spoken(body, lease, options);
    return await turnReply({ name, lease, stream, startedAt, ...turn }, state, request);
  } catch (error) {
    lease.release();
    throw error;
  }
}

type TurnKind = Pick<Turn, 'start' | 'wording' | 'isRaw'>;

function bare(lease: Lease, prompt: string, options: ChatOptions): TurnKind {
  return { start: rawTurn(lease, prompt, options), wording: rawWording, isRaw: true };
}

function spoken(body: GenerateBody, lease: Lease, options: ChatOptions): TurnKind {
  const history = conversation(body, lease);
  return { start: conversationTurn(lease, history, options), wording: wording(history, lease) };
}

/** What gpt-oss cannot do, and what would change the answer if it were left out in silence. */
function refuse({ suffix, template, images, raw, system, context }: GenerateBody): void {
  if (suffix) throw badRequest('suffix: gpt-oss does not support insert', 'suffix');
  if (template) throw badRequest('template: gpt-oss speaks Harmony, and no template can change that', 'template');
  refuseImages(images, 'images');
  if (raw === true && (system || context?.length)) {
    throw badRequest('raw: a raw prompt is sent as it is, and takes no system, template or context', 'raw');
  }
}

/** The instructions of a request stand in the place of those in its context. */
function conversation({ system, context, prompt = '' }: GenerateBody, { model }: Lease): ChatMessage[] {
  const earlier = historyOf(context, model);
  const kept = system ? earlier.filter(({ role }) => role !== 'developer') : earlier;
  return [
    ...(system ? [{ role: 'system', content: system } as const] : []),
    ...kept,
    { role: 'user', content: prompt },
  ];
}

function wording(history: readonly ChatMessage[], { model }: Lease): Wording {
  const context = (message: AssistantMessage | undefined) => ({ context: contextOf(history, message, model) });
  return {
    part(part) {
      if (part.type === 'thinking') return { response: '', thinking: part.text };
      return { response: part.type === 'content' ? part.text : '' };
    },
    last: (end) => ({ response: '', ...context(end.messages[0]) }),
    whole: (message) => ({
      response: message.content ?? '',
      ...(message.reasoning === undefined ? {} : { thinking: message.reasoning }),
      ...context(message),
    }),
  };
}
