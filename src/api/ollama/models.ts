import { createHash } from 'node:crypto';
import type { ModelCard } from '../host.ts';
import { json, type Reply } from '../reply.ts';
import type { OllamaState } from './request.ts';

/** `GET /api/tags`: each model under all its names, so that whoever looks for `gpt-oss:20b` finds it. */
export async function tags({ host, sizes }: OllamaState): Promise<Reply> {
  const models = (await host.models()).map(async (card) => {
    const size = await sizes.of(card, host);
    return ollamaNames(card).map((name) => ({
      name,
      model: name,
      modified_at: card.modified.toISOString(),
      size: card.sizeBytes,
      digest: digestOf(card),
      details: details(card, size),
      capabilities: CAPABILITIES,
    }));
  });
  return json({ models: (await Promise.all(models)).flat() });
}

/** `GET /api/ps` */
export async function ps({ host, sizes }: OllamaState): Promise<Reply> {
  const models = (await host.models()).map(async (card) => {
    if (card.loaded === undefined) return [];
    const { contextLength, memoryBytes, expires, leases, backend } = card.loaded;
    const name = ollamaNames(card)[0]!;
    return [
      {
        name,
        model: name,
        size: memoryBytes,
        digest: digestOf(card),
        details: details(card, await sizes.of(card, host)),
        expires_at: (expires ?? new Date(Date.now() + FOR_GOOD_MS)).toISOString(),
        size_vram: 0,
        context_length: contextLength,
        leases, // this and what follows is Ossia's own, for `ossia ps`
        backend,
      },
    ];
  });
  return json({ models: (await Promise.all(models)).flat() });
}

export const CAPABILITIES: readonly string[] = ['completion', 'tools', 'thinking'];

/** As far ahead as Go's durations reach: clients show it as "forever". */
const FOR_GOOD_MS = 292 * 365.25 * 24 * 3600 * 1000;

/** First the name that Ollama's own clients would use. */
export function ollamaNames({ name, otherNames = [] }: ModelCard): readonly string[] {
  const tagged = otherNames.filter((other) => other.includes(':'));
  return [...new Set([...tagged, name])];
}

/** Ollama identifies a model by its manifest's digest; here it is made of what would change with the model. */
export function digestOf({ name, from, sizeBytes, modified }: ModelCard): string {
  const identity = JSON.stringify([name, from ?? null, sizeBytes, modified.getTime()]);
  return createHash('sha256').update(identity).digest('hex');
}

export function details({ layout, from }: ModelCard, parameterSize: string): object {
  return {
    parent_model: from ?? '',
    format: layout === 'gguf' ? 'gguf' : 'safetensors',
    family: 'gptoss',
    families: ['gptoss'],
    parameter_size: parameterSize,
    quantization_level: 'MXFP4',
  };
}
