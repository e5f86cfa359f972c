import type { Host, ModelCard } from '../host.ts';
import { parameterSize } from './parameter-count.ts';

/** Of these many models the size is kept; front ends ask for all of them again and again. */
const MAX_KEPT = 1000;

/** How many parameters models have, `20.9B`: read once from their files. */
export class ModelSizes {
  readonly #kept = new Map<string, string>();

  /** Empty where it cannot be told. */
  async of({ name, from, modified }: ModelCard, host: Host): Promise<string> {
    const key = `${from ?? name} ${modified.getTime()}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) return kept;
    const size = await host.describe?.(name).then(
      ({ config }) => parameterSize(config),
      () => undefined,
    );
    if (size === undefined) return '';
    if (this.#kept.size >= MAX_KEPT) this.#kept.clear();
    this.#kept.set(key, size);
    return size;
  }
}
