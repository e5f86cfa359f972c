import type { ChatMessage, ChatOptions } from '../chat/index.ts';
import type { SamplingOptions } from './sampling.ts';

/** What a derived model may set in place of the base's defaults. */
export type PresetParameters = SamplingOptions & Pick<ChatOptions, 'maxTokens' | 'stop' | 'effort'>;

/** What stands where a request says nothing of its own. */
export interface Preset {
  /** Instructions. */
  readonly system?: string;
  readonly parameters?: PresetParameters;
}

/**
 * A request with what its model's name stands for: the preset's instructions unless the conversation begins with its own, and
 * each of its parameters that the request leaves open.
 */
export function withPreset<Options extends ChatOptions>(
  { preset }: { readonly preset?: Preset },
  messages: readonly ChatMessage[],
  options: Options,
): { readonly messages: readonly ChatMessage[]; readonly options: Options } {
  if (preset === undefined) return { messages, options };
  const { system = '', parameters } = preset;
  const own = messages[0]?.role === 'system' || messages[0]?.role === 'developer';
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return {
    messages: own || system === '' ? messages : [{ role: 'system', content: system }, ...messages],
    options: { ...options, ...parameters, ...Object.fromEntries(given) },
  };
}
