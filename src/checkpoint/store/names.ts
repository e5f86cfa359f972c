import { OssiaError } from '../../base/index.ts';

/** A model that people call by several names, and the repositories that hold it. */
export interface KnownModel {
  readonly aliases: readonly string[];
  /** Repository with the layouts of Hugging Face and OpenAI. */
  readonly hub: string;
  /** Repository with the GGUF file. */
  readonly gguf?: string;
  /** Name in Ollama's library. */
  readonly ollama: string;
}

export const EMBEDDED_MODEL = 'ossia-nano';

export const knownModels: readonly KnownModel[] = [
  {
    aliases: ['gpt-oss:20b', 'gpt-oss-20b', 'gpt-oss', 'gpt-oss:latest'],
    hub: 'openai/gpt-oss-20b',
    gguf: 'ggml-org/gpt-oss-20b-GGUF',
    ollama: 'gpt-oss:20b',
  },
  {
    aliases: ['gpt-oss:120b', 'gpt-oss-120b'],
    hub: 'openai/gpt-oss-120b',
    gguf: 'ggml-org/gpt-oss-120b-GGUF',
    ollama: 'gpt-oss:120b',
  },
  {
    aliases: ['gpt-oss-safeguard:20b', 'gpt-oss-safeguard-20b'],
    hub: 'openai/gpt-oss-safeguard-20b',
    ollama: 'gpt-oss-safeguard:20b',
  },
  {
    aliases: ['gpt-oss-safeguard:120b', 'gpt-oss-safeguard-120b'],
    hub: 'openai/gpt-oss-safeguard-120b',
    ollama: 'gpt-oss-safeguard:120b',
  },
];

export function knownModel(name: string): KnownModel | undefined {
  const wanted = name.toLowerCase();
  return knownModels.find(({ aliases }) => aliases.includes(wanted));
}

/** `owner/name` by the hub's own rules; they also keep `models--owner--name` a folder name that has one meaning. */
export function isHubId(name: string): boolean {
  const part = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;
  const parts = name.split('/');
  return (
    name.length <= 96 && parts.length === 2 && parts.every((text) => part.test(text)) && !/--|\.\.|\.git$/.test(name)
  );
}

/** A branch, tag or commit that is safe as a path under `refs/` and in a URL. */
export function checkRevision(revision: string): string {
  const safe = /^[A-Za-z0-9_][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;
  if (!safe.test(revision) || revision.includes('..')) {
    throw new RangeError(`Expected revision to be a branch, a tag or a commit, got ${JSON.stringify(revision)}`);
  }
  return revision;
}

/** Names written like a path, which are never looked up in a store. */
export function looksLikePath(name: string): boolean {
  return /^(?:\.{1,2}(?:[/\\]|$)|[/\\~]|[A-Za-z]:[/\\])/.test(name) || /\.gguf$/i.test(name);
}

/** The error for a name that no store has: where was looked, and what was perhaps meant. */
export function unknownModel(
  name: string,
  looked: readonly string[],
  found: readonly string[],
  notes: readonly string[] = [],
): OssiaError {
  const names = [EMBEDDED_MODEL, ...found, ...knownModels.flatMap(knownNames)];
  const isKnown = knownModel(name) !== undefined; // its name is right: it is not here
  const suggestions = isKnown ? [] : nearNames(name, names);
  const next = isKnown ? { next: `Run \`ossia pull ${name}\` to download it` } : {};
  const parts = [`Cannot find model "${name}": looked in ${looked.join(', ')}`, ...notes];
  if (suggestions.length > 0) parts.push(`did you mean ${suggestions.map((near) => `"${near}"`).join(' or ')}?`);
  return new OssiaError('store/unknown-model', parts.join('; '), { details: { name, looked, suggestions, ...next } });
}

function knownNames({ aliases, hub }: KnownModel): readonly string[] {
  return [...aliases, hub];
}

/** Up to three names that are a few keystrokes away, or that begin with what was typed; the nearest first. */
export function nearNames(name: string, candidates: readonly string[]): readonly string[] {
  const wanted = name.toLowerCase();
  const allowed = Math.max(2, Math.floor(wanted.length / 4));
  return [...new Set(candidates)]
    .map((candidate) => {
      const other = candidate.toLowerCase();
      const begins = wanted.length >= 3 && other.startsWith(wanted);
      return { candidate, distance: begins ? 1 : editDistance(wanted, other) };
    })
    .filter(({ distance }) => distance <= allowed)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  if (a.length > 200) return a.length;
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
