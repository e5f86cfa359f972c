import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where models are kept and where they come from. Every field has a default, so `{}` is this user's ordinary machine. */
export interface StoreOptions {
  /** The hub's address. Default: https://huggingface.co */
  readonly endpoint?: string | undefined;
  /** Sent to `endpoint` only, never to where it redirects. Default: what `tokenFile` holds. */
  readonly token?: string | undefined;
  /** File whose first line is the token. Default: ~/.cache/huggingface/token */
  readonly tokenFile?: string | undefined;
  /** The hub cache that Hugging Face's tools share. Default: ~/.cache/huggingface/hub */
  readonly hubCache?: string | undefined;
  /** Directories with Ollama's `manifests` and `blobs`. Default: ~/.ollama/models and those of its system service. */
  readonly ollamaModels?: readonly string[] | undefined;
  /** Directory of the embedded models. Default: `models` in this package. */
  readonly embeddedModels?: string | undefined;
  /** Replaces the global fetch, for example to go through a proxy. Must honour `redirect: 'manual'`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Refuse to touch the network. Default: false */
  readonly offline?: boolean | undefined;
}

/** The options with every default filled in. */
export interface StorePlaces {
  readonly endpoint: string;
  readonly hubCache: string;
  readonly ollamaModels: readonly string[];
  readonly embeddedModels: string;
}

export const DEFAULT_ENDPOINT = 'https://huggingface.co';

export function storePlaces(options: StoreOptions): StorePlaces {
  return {
    endpoint: (options.endpoint ?? DEFAULT_ENDPOINT).replace(/\/+$/, ''),
    hubCache: resolve(options.hubCache ?? join(huggingFaceHome(homedir()), 'hub')),
    ollamaModels: (options.ollamaModels ?? ollamaDirectories(homedir())).map((path) => resolve(path)),
    embeddedModels: resolve(options.embeddedModels ?? fileURLToPath(new URL('../../../models/', import.meta.url))),
  };
}

/**
 * What the environment says about the stores, by the rules of Hugging Face's and Ollama's own tools. Reads no file.
 *
 * @example storeOptionsFromEnvironment({ HF_HOME: '/data/hf' }).hubCache // '/data/hf/hub'
 */
export function storeOptionsFromEnvironment(environment: Readonly<Record<string, string | undefined>>): StoreOptions {
  const get = (...names: readonly string[]) => names.map((name) => environment[name]?.trim()).find(Boolean);
  const home = get('HOME', 'USERPROFILE') ?? homedir();
  const path = (...names: readonly string[]) => {
    const value = get(...names);
    return value === undefined ? undefined : resolve(value.replace(/^~(?=$|[/\\])/, () => home));
  };
  const hfHome = path('HF_HOME') ?? huggingFaceHome(home, path('XDG_CACHE_HOME'));
  const ollama = path('OLLAMA_MODELS');
  return {
    endpoint: get('HF_ENDPOINT') ?? DEFAULT_ENDPOINT,
    token: get('HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'),
    tokenFile: path('HF_TOKEN_PATH') ?? join(hfHome, 'token'),
    hubCache: path('HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE') ?? join(hfHome, 'hub'),
    ollamaModels: ollama === undefined ? ollamaDirectories(home) : [ollama],
    offline: /^(1|on|yes|true)$/i.test(get('HF_HUB_OFFLINE') ?? ''),
  };
}

/** The token to send: the one given, else the one that `hf auth login` stored. */
export async function storeToken(options: StoreOptions): Promise<string | undefined> {
  if (options.token !== undefined) return options.token === '' ? undefined : options.token;
  const file = options.tokenFile ?? join(huggingFaceHome(homedir()), 'token');
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split(/\s/)[0] || undefined;
}

function huggingFaceHome(home: string, cacheHome = join(home, '.cache')): string {
  return join(cacheHome, 'huggingface');
}

/** The user's own store first, then where the Linux packages put the service's. */
function ollamaDirectories(home: string): readonly string[] {
  return [join(home, '.ollama', 'models'), '/usr/share/ollama/.ollama/models', '/var/lib/ollama'];
}
