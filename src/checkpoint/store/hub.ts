import { OssiaError } from '../../base/index.ts';
import type { Digest } from './digest.ts';
import type { HubHttp } from './http.ts';

/** A file of a repository, with what its bytes must be. */
export interface RemoteFile {
  /** Relative, with `/`; safe to join to a directory. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly digest: Digest;
}

export interface RemoteRepository {
  readonly id: string;
  /** The 40 hex digits that the revision stands for now. */
  readonly commit: string;
  readonly files: readonly RemoteFile[];
}

/** gpt-oss repositories list some thirty files; a server that lists without end must not fill the memory. */
const MAX_FILES = 20_000;

/**
 * Commit and files of a repository, through @huggingface/hub. The library's own download neither resumes nor verifies,
 * so bytes go through `downloadFile` (download.ts).
 */
export async function describeRepository(
  http: HubHttp,
  endpoint: string,
  id: string,
  revision: string,
): Promise<RemoteRepository> {
  const { modelInfo, listFiles } = await import('@huggingface/hub');
  const common = { hubUrl: endpoint, fetch: http.fetch };
  const answer = await understood(id, () =>
    modelInfo({ ...common, name: id, revision, additionalFields: ['sha', 'config'] }),
  );
  const commit = answer.sha;
  if (!/^[0-9a-f]{40}$/.test(commit)) throw hostile(id, `its commit is ${JSON.stringify(commit)}`);
  const type = (answer.config as { model_type?: unknown } | undefined)?.model_type;
  if (type !== undefined && type !== 'gpt_oss') {
    throw new OssiaError(
      'checkpoint/unsupported-model',
      `Refused to download ${id}: the hub says it is a ${String(type)} model`,
    );
  }
  const files: RemoteFile[] = [];
  await understood(id, async () => {
    const entries = listFiles({ ...common, repo: { type: 'model', name: id }, revision: commit, recursive: true });
    for await (const entry of entries) {
      if (entry.type === 'file') files.push(remoteFile(id, entry));
      if (files.length > MAX_FILES) throw hostile(id, `it lists more than ${MAX_FILES} files`);
    }
  });
  if (new Set(files.map(({ path }) => path.toLowerCase())).size !== files.length) {
    throw hostile(id, 'it lists a file twice');
  }
  return { id, commit, files };
}

interface ListedFile {
  readonly path: string;
  readonly size: number;
  readonly oid?: string | undefined;
  readonly lfs?: { readonly oid: string; readonly size: number } | undefined;
}

/** Everything that the server says about a file is checked here, once; the rest of the store trusts it. */
function remoteFile(id: string, { path, size, oid, lfs }: ListedFile): RemoteFile {
  if (!isSafeName(path)) throw hostile(id, `it names a file ${JSON.stringify(path)}, which could leave the cache`);
  const sizeBytes = lfs?.size ?? size;
  if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) throw hostile(id, `"${path}" has size ${String(sizeBytes)}`);
  const hex = lfs?.oid.replace(/^sha256:/, '') ?? oid ?? '';
  const digits = lfs ? 64 : 40;
  if (hex.length !== digits || !/^[0-9a-f]+$/.test(hex))
    throw hostile(id, `"${path}" has digest ${JSON.stringify(hex)}`);
  return { path, sizeBytes, digest: { algorithm: lfs ? 'sha256' : 'git-sha1', hex } };
}

/** Relative, without `..`, and with one meaning on every system: a colon or a backslash starts a drive or stream on Windows. */
export function isSafeName(path: unknown): path is string {
  if (typeof path !== 'string' || path.length > 512) return false;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  if (/[\u0000-\u001f\u007f\\:*?"<>|]/.test(path)) return false;
  return path.split('/').every((part) => part !== '' && !/^\.+$/.test(part) && !/[. ]$/.test(part));
}

/** Runs a call of the library; an answer that it cannot read is the server's fault and says so. */
async function understood<T>(id: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof OssiaError || (error as Error).name === 'AbortError') throw error;
    const unreadable = error instanceof SyntaxError || error instanceof TypeError;
    if (!unreadable) throw error;
    throw new OssiaError('store/failed', `Cannot read what the hub says about ${id}: ${error.message}`, {
      cause: error,
    });
  }
}

function hostile(id: string, found: string): OssiaError {
  return new OssiaError('store/hostile', `Refused to download ${id}: ${found}`);
}
