import { OssiaError } from '../../base/index.ts';
import type { Host, Lease, ModelCard, ModelDescription } from '../host.ts';
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
  { keepAlive, signal }: { readonly keepAlive: number | string | undefined; readonly signal: AbortSignal },
): Promise<Lease> {
  const options = { signal, ...(keepAlive === undefined ? {} : { keepAliveMs: keepAliveMs(keepAlive) }) };
  try {
    return await host.lend(name, options);
  } catch (error) {
    throw isUnknown(error) ? modelNotFound(name) : error;
  }
}

/** The card of a model by any of its names. */
export async function findCard(host: Host, name: string): Promise<ModelCard> {
  const cards = await host.models();
  const named = (wanted: string) => cards.find((card) => card.name === wanted || card.otherNames?.includes(wanted));
  const card = named(name) ?? named((await describe(host, name))?.name ?? '');
  if (card === undefined) throw modelNotFound(name);
  return card;
}

/** Undefined when there is no such model. */
async function describe(host: Host, name: string): Promise<ModelDescription | undefined> {
  try {
    return await host.describe?.(name);
  } catch (error) {
    if (isUnknown(error)) return undefined;
    throw error;
  }
}

/** `[host/][owner/]name[:tag]`: what can be the name of a model that is not here. */
export function isModelName(name: string): boolean {
  const part = '[A-Za-z0-9_][A-Za-z0-9._-]*';
  return name.length <= 256 && new RegExp(`^(?:${part}/){0,2}${part}(?::${part})?$`).test(name) && !name.includes('..');
}

export function isUnknown(error: unknown): boolean {
  return error instanceof OssiaError && ['api/unknown-model', 'store/unknown-model'].includes(error.code);
}
