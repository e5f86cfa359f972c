import { collectTools } from '../../chat/index.ts';
import { withPreset } from '../preset.ts';
import { json, type Reply } from '../reply.ts';
import { promptTokens } from './prompt-tokens.ts';
import { type ConsoleCaller, type ConsoleService, enabled } from './turns.ts';
import type { Rendered, TurnBody } from './types.ts';

/** `POST /ossia/render`: what the model would be given, before `truncation` leaves any of it out. Nothing is computed. */
export async function renderTurn(body: TurnBody, service: ConsoleService, { signal }: ConsoleCaller): Promise<Reply> {
  const toolbox = enabled(service, body);
  const lease = await service.host.lend(body.model, { signal });
  try {
    const { messages, options } = withPreset(lease, body.messages, body.options ?? {});
    const { declarations, builtins } = await collectTools(toolbox, options.tools ?? [], [], signal);
    const restored = service.turns.restore(lease.model, messages);
    const ids = lease.model.render(restored, { ...options, tools: declarations, builtins });
    const { tokenizer } = lease.model;
    const rendered: Rendered = { tokens: promptTokens(ids, tokenizer), text: tokenizer.decode(ids) };
    return json(rendered);
  } finally {
    lease.release();
  }
}
