import { OssiaError } from '../../base/index.ts';
import type { Host, Lease, ModelCard } from '../host.ts';
import { badRequest } from '../validate.ts';
import { modelNotFound } from './errors.ts';
import { keepAliveMs } from './time.ts';

interface Named {
  readonly model: string | undefined;
  readonly name: string | undefined;
}

/** The name that a request gives. Throws `api/bad-request` when there is none. */
export function nameOf({ model, name }: Named): string {
  const given = model || name;
  if (!given) throw badRequest('model is required', 'model');
  return given;
}

/** Lends the model that a request names. Throws `api/unknown-model` in Ollama's words. */
export async function lend(
  host: Host,
  name: string,
  options: { readonly keepAlive: number | string | undefined; readonly signal: AbortSignal },
): Promise<Lease> {
  const { keepAlive, signal } = options;
  const lendOptions = { signal, ...(keepAlive === undefined ? {} : { keepAliveMs: keepAliveMs(keepAlive) }) };
  for (const candidate of await candidates(host, name)) {
    try {
      return await host.lend(candidate, lendOptions);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
  }
  throw modelNotFound(name);
}

/** The card of a model by any of its names. */
export async function findCard(host: Host, name: string): Promise<ModelCard> {
  const cards = await host.models();
  for (const candidate of [name, ...withoutLatest(name)]) {
    const card = cards.find((each) => each.name === candidate || each.otherNames?.includes(candidate));
    if (card !== undefined) return card;
  }
  throw modelNotFound(name);
}

/** What a name may stand for. One that no store could have is looked up among the models here, and nowhere else. */
async function candidates(host: Host, name: string): Promise<readonly string[]> {
  if (isSafeName(name)) return [name, ...withoutLatest(name)];
  const cards = await host.models();
  return cards.some((card) => card.name === name) ? [name] : [];
}

function withoutLatest(name: string): readonly string[] {
  return name.endsWith(':latest') ? [name.slice(0, -':latest'.length)] : [];
}

/** `[host/][owner/]name[:tag]`: nothing that leads anywhere as a path. */
export function isSafeName(name: string): boolean {
  const part = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
  const [path = '', tag = 'latest', ...more] = name.split(':');
  const parts = path.split('/');
  return (
    name.length <= 256 &&
    more.length === 0 &&
    parts.length <= 3 &&
    [...parts, tag].every((text) => part.test(text)) &&
    !name.includes('..') &&
    !/\.gguf$/i.test(path)
  );
}

export function isUnknown(error: unknown): boolean {
  return error instanceof OssiaError && ['api/unknown-model', 'store/unknown-model'].includes(error.code);
}
