import { demand, isCount, list, pick, skip, text } from './check.ts';
import type { Exchange } from './exchange.ts';
import type { Probe } from './probe.ts';

/** Beyond this a prompt is not made longer: a server that takes it would compute for minutes. */
const MAX_TOKENS = 200_000;

/** Where servers say how long a conversation may be: vLLM and SGLang, llama.cpp, Ossia, LM Studio. */
const NAMES = ['max_model_len', 'context_length', 'meta.n_ctx', 'max_context_length', 'loaded_context_length'];

/** Tokens that the model's context holds, as far as the server says. */
export async function contextLength(probe: Probe): Promise<number | undefined> {
  const models = list((await probe.get('/v1/models')).json, 'data');
  const own = models.find((model) => text(model, 'id') === probe.model);
  const listed = NAMES.map((name) => pick(own, name)).find(isCount);
  if (listed !== undefined) return listed;
  const shown = await probe.post('/api/show', { model: probe.model });
  const info = Object.entries((pick(shown.json, 'model_info') ?? {}) as object);
  return info
    .filter(([name]) => name.endsWith('.context_length'))
    .map(([, value]) => value)
    .find(isCount);
}

/** A text of more tokens than the context holds; one word is one token or more. */
export async function overlongText(probe: Probe): Promise<{ readonly text: string; readonly words: number }> {
  const length = (await contextLength(probe)) ?? 131_072;
  if (length > MAX_TOKENS) skip(`a prompt beyond ${length} tokens takes too long to try`);
  const words = Math.ceil(length * 1.1) + 64;
  return { text: 'word '.repeat(words), words };
}

/** Not cut in silence, not a crash: a refusal that says what it is. `code`: where the format has it. */
export function demandTooLong(exchange: Exchange, promptTokens: unknown, words: number): unknown {
  if (exchange.status === 200) {
    const cut = isCount(promptTokens) && promptTokens < words;
    demand(false, cut ? `cut in silence: ${words} words, ${promptTokens} tokens` : `answered: ${exchange.describe()}`);
  }
  demand(exchange.status >= 400 && exchange.status < 500, exchange.describe());
  demand(exchange.json !== undefined, `the body is no JSON: ${exchange.describe()}`);
  return exchange.json;
}
