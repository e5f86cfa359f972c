import { OssiaError } from '../base/index.ts';
import { anthropicChecks } from './anthropic/index.ts';
import { chatChecks } from './chat/index.ts';
import { APIS, type ApiName, Broken, type Check, list, Skipped, text } from './check.ts';
import { ollamaChecks } from './ollama/index.ts';
import { Probe } from './probe.ts';
import { responsesChecks } from './responses/index.ts';

export interface ConformOptions {
  /** Default: the first that the server lists. */
  readonly model?: string;
  readonly apiKey?: string;
  /** Default: all. */
  readonly only?: readonly ApiName[];
  /** For one request. Default 60,000. */
  readonly timeoutMs?: number;
  /** Told of every result as it comes. */
  readonly onResult?: (api: ApiName, result: CheckResult) => void;
}

export interface CheckResult extends Pick<Check, 'id' | 'title' | 'breaks'> {
  readonly status: 'pass' | 'fail' | 'skip';
  /** What was found, or why it was not tried. */
  readonly found?: string;
}

export interface ApiReport {
  readonly api: ApiName;
  /** False: the server has no such API, and nothing was tried. */
  readonly offered: boolean;
  readonly results: readonly CheckResult[];
}

export interface ConformReport {
  readonly url: string;
  readonly model: string;
  readonly apis: readonly ApiReport[];
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const SECTIONS: Readonly<Record<ApiName, { readonly path: string; readonly checks: readonly Check[] }>> = {
  responses: { path: '/v1/responses', checks: responsesChecks },
  chat: { path: '/v1/chat/completions', checks: chatChecks },
  ollama: { path: '/api/chat', checks: ollamaChecks },
  anthropic: { path: '/v1/messages', checks: anthropicChecks },
};

/**
 * Tries what real clients need of a server, over any of four APIs. Needs nothing of the server but its address, so it tests
 * Ossia, vLLM, llama.cpp, Ollama and LM Studio alike. Throws `conform/unreachable` when nobody answers there.
 */
export async function conform(url: string, options: ConformOptions = {}): Promise<ConformReport> {
  const { apiKey, only = APIS, timeoutMs = 60_000, onResult } = options;
  const shared = { url, apiKey, timeoutMs };
  const model = options.model ?? (await firstModel(new Probe({ ...shared, model: '' }), url));
  const apis: ApiReport[] = [];
  for (const api of APIS.filter((name) => only.includes(name))) {
    const { path, checks } = SECTIONS[api];
    const probe = new Probe({ ...shared, model });
    const offered = await isOffered(probe, path, url);
    const results: CheckResult[] = [];
    for (const check of offered ? checks : []) {
      const result = probe.silences < PATIENCE ? await tryOne(check, probe) : leftOut(check);
      results.push(result);
      onResult?.(api, result);
    }
    apis.push({ api, offered, results });
  }
  const count = (status: CheckResult['status']) =>
    apis.flatMap(({ results }) => results).filter((result) => result.status === status).length;
  return { url, model, apis, passed: count('pass'), failed: count('fail'), skipped: count('skip') };
}

/** After so many requests in a row without an answer, nobody waits for more. */
const PATIENCE = 3;

function leftOut({ id, title, breaks }: Check): CheckResult {
  return { id, title, breaks, status: 'skip', found: 'the server has stopped answering' };
}

async function tryOne(check: Check, probe: Probe): Promise<CheckResult> {
  const { id, title, breaks } = check;
  try {
    const found = await check.run(probe);
    return { id, title, breaks, status: 'pass', ...(found === undefined ? {} : { found }) };
  } catch (error) {
    if (error instanceof Skipped) return { id, title, breaks, status: 'skip', found: error.message };
    if (error instanceof Broken) return { id, title, breaks, status: 'fail', found: error.message };
    throw error;
  }
}

/** An empty object is refused where there is somebody to refuse it. LM Studio answers 200 on paths that it does not have. */
async function isOffered(probe: Probe, path: string, url: string): Promise<boolean> {
  try {
    const { status, body } = await probe.post(path, {});
    return ![404, 405, 501].includes(status) && !/unexpected endpoint/i.test(body);
  } catch (error) {
    throw unreachable(url, error);
  }
}

async function firstModel(probe: Probe, url: string): Promise<string> {
  const lists = [
    { path: '/v1/models', key: 'data', name: 'id' },
    { path: '/api/tags', key: 'models', name: 'name' },
  ];
  const found: string[] = [];
  for (const { path, key, name } of lists) {
    const { status, json } = await probe.get(path).catch((error) => {
      throw unreachable(url, error);
    });
    const first = list(json, key)
      .map((model) => text(model, name))
      .find((id) => id !== '');
    if (first !== undefined) return first;
    found.push(`${path} answers ${status}`);
  }
  throw new OssiaError('conform/no-model', `Cannot find a model to ask at ${url}: ${found.join(', ')}, and lists none`);
}

function unreachable(url: string, error: unknown): OssiaError {
  const why = error instanceof Error ? error.message : String(error);
  return new OssiaError('conform/unreachable', `Cannot test ${url}: ${why}`, { cause: error });
}
