import { OssiaError } from '../base/index.ts';
import type { Host, ModelCard } from './host.ts';
import { json, type Reply } from './reply.ts';

/** `GET /v1/models`: OpenAI's list, and Anthropic's page of it. */
export async function listModels(host: Host): Promise<Reply> {
  const cards = await host.models();
  const data = cards.map((card) => modelObject(card, card.name));
  const page = { has_more: false, first_id: cards[0]?.name ?? null, last_id: cards.at(-1)?.name ?? null };
  return json({ object: 'list', data, ...page });
}

/** `GET /v1/models/{id}`, by any of a model's names. Rejects with `api/unknown-model`. */
export async function retrieveModel(host: Host, id: string): Promise<Reply> {
  const cards = await host.models();
  const names = [id, id.replace(/:latest$/, ''), `${id}:latest`];
  const card =
    cards.find(({ name }) => name === id) ??
    cards.find(({ name, otherNames = [] }) => [name, ...otherNames].some((other) => names.includes(other)));
  if (!card) {
    throw new OssiaError('api/unknown-model', `Cannot find the model ${JSON.stringify(id)} here`, {
      details: { param: 'model' },
    });
  }
  return json(modelObject(card, id));
}

/** As OpenAI and Anthropic have it; the length of the context, known once a model is loaded, under the names of vLLM, OpenRouter and Anthropic. */
function modelObject({ name, origin, modified, loaded }: ModelCard, id: string): object {
  const length = loaded?.contextLength;
  return {
    id,
    object: 'model',
    created: Math.floor(modified.getTime() / 1000),
    owned_by: ownerOf(name, origin),
    type: 'model',
    display_name: id,
    created_at: modified.toISOString(),
    ...(length === undefined ? {} : { max_model_len: length, context_length: length, max_input_tokens: length }),
  };
}

function ownerOf(name: string, origin: ModelCard['origin']): string {
  if (origin === 'embedded') return 'ossia';
  const [owner, model] = name.split('/');
  if (origin === 'hub' && model !== undefined && owner) return owner;
  return origin === 'path' ? 'local' : 'library';
}
