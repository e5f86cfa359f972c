import type { ModelCard } from '../../api/index.ts';
import type { LoadedModel } from '../../chat/index.ts';
import { type ModelSource, otherNames } from './catalog.ts';
import type { Resident } from './resident.ts';

/** Models with weights of their own, as those who ask what is here see them. */
export function cardsOf(
  sources: readonly ModelSource[],
  residents: readonly Resident<LoadedModel>[],
): readonly ModelCard[] {
  const names = new Set(sources.map(({ name }) => name));
  return sources.map(({ name, origin, sizeBytes, modified, layout, path }): ModelCard => {
    const others = otherNames(name).filter((other) => !names.has(other));
    const loaded = useOf(residents.find(({ key }) => key === path));
    return {
      name,
      ...(others.length === 0 ? {} : { otherNames: others }),
      origin,
      sizeBytes,
      modified,
      layout,
      ...(loaded ? { loaded } : {}),
    };
  });
}

function useOf(resident: Resident<LoadedModel> | undefined): ModelCard['loaded'] {
  if (!resident?.model) return undefined;
  const { model, bytes, expires, users } = resident;
  const { contextLength, backendDescription } = model.info;
  return { contextLength, memoryBytes: bytes, expires, leases: users, backend: backendDescription };
}

/** The card of a model under a name that stands for it; whether it is loaded is said once, on its own. */
export function cardOfAnother(name: string, from: string, cards: readonly ModelCard[]): readonly ModelCard[] {
  const card = cards.find((other) => other.name === from);
  if (!card) return [];
  const { loaded: _loaded, otherNames: _others, ...rest } = card;
  return [{ ...rest, name, from }];
}
