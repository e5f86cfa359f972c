import { type Agent, request } from 'node:http';

/** One answer as it came: when it was asked for, and when each piece of it was there. */
export interface Arrivals {
  /** Milliseconds of `performance.now`. */
  readonly sent: number;
  /** Of pieces of thoughts or text, a token each but for characters that take several. */
  readonly pieces: readonly number[];
  readonly ended: number;
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/** What a measured request asks for: free text of a fixed length. */
export interface Question {
  readonly prompt: string;
  readonly tokens: number;
  readonly seed: number;
}

/** As a chat completion: `ignore_eos` keeps the model talking. */
export function bodyOf({ prompt, tokens, seed }: Question): string {
  return JSON.stringify({
    messages: [{ role: 'user', content: prompt }],
    max_completion_tokens: tokens,
    ignore_eos: true,
    seed,
    stream: true,
    stream_options: { include_usage: true },
  });
}

const PIECE = /"(?:content|reasoning)":"[^"]/;
const TIMEOUT_MS = 600_000;

/** Asks a server, and reads the stream with as little work as can be, so that the reader is not what is measured. */
export function askServer(url: string, agent: Agent, question: Question): Promise<Arrivals> {
  return new Promise((resolve, reject) => {
    const body = bodyOf(question);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = performance.now();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const outgoing = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers, signal }, (response) => {
      const pieces: number[] = [];
      let rest = '';
      let last = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => {
        const now = performance.now();
        const events = (rest + text).split('\n\n');
        rest = events.pop()!;
        for (const event of events) {
          if (PIECE.test(event)) pieces.push(now);
          else if (event.includes('"usage":{')) last = event;
          else if (event.includes('"error":')) reject(new Error(event.slice(0, 500)));
        }
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode !== 200) return reject(new Error(`${response.statusCode}: ${rest.slice(0, 500)}`));
        if (pieces.length === 0 || last === '')
          return reject(new Error('Expected tokens and their usage, and got none'));
        resolve({ sent, pieces, ended: performance.now(), ...usageOf(last) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function usageOf(event: string): Pick<Arrivals, 'promptTokens' | 'cachedTokens' | 'outputTokens'> {
  const { usage } = JSON.parse(event.replace(/^data: /, '')) as {
    usage: {
      prompt_tokens: number;
      completion_tokens: number;
      prompt_tokens_details?: { cached_tokens?: number };
    };
  };
  return {
    promptTokens: usage.prompt_tokens,
    cachedTokens: usage.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage.completion_tokens,
  };
}
