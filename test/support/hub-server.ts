import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A file of the pretended repository. Large ones are LFS: they have a SHA-256 and come from the CDN. */
export interface HubFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly lfs?: boolean;
  /** What the listing says instead of the truth. */
  readonly listed?: Readonly<Record<string, unknown>>;
}

/** How the server misbehaves. Counts go down as they are used. */
export interface HubFaults {
  /** Break this many downloads of LFS files after `breakAfterBytes`. */
  breaks?: number;
  breakAfterBytes?: number;
  /** Send whole files, whatever Range asks for. */
  ignoreRange?: boolean;
  /** Flip a byte in this many downloads of LFS files. */
  corrupt?: number;
  /** Answer this many requests with a status of its own. */
  refusals?: number;
  refusal?: { readonly status: number; readonly headers?: Record<string, string> };
  /** Go silent in the middle of this many downloads. */
  stalls?: number;
  /** Pause before each 64 KiB piece. */
  delayMs?: number;
  /** Where LFS files redirect to, instead of the CDN: gets the path below the CDN's origin. */
  redirect?: (path: string) => string;
}

export interface SeenRequest {
  readonly path: string;
  readonly host: string;
  readonly range: string | undefined;
  readonly authorization: string | undefined;
  status: number;
  bytesSent: number;
}

/**
 * A Hugging Face hub on 127.0.0.1 with one repository: the model's info, its tree in pages, and `resolve` with the hub's
 * headers, which redirects LFS files to a CDN on another port and under another name (localhost).
 */
export class HubServer {
  readonly id: string;
  commit: string;
  files: readonly HubFile[];
  modelType: string | undefined = 'gpt_oss';
  faults: HubFaults = {};
  /** Origin of the listing's next pages, when it is not the hub's. */
  pagesFrom: string | undefined;
  readonly seen: SeenRequest[] = [];
  readonly #hub: Server;
  readonly #cdn: Server;

  private constructor(id: string, files: readonly HubFile[]) {
    this.id = id;
    this.files = files;
    this.commit = createHash('sha1').update(id).digest('hex');
    this.#hub = createServer((request, response) => this.#answer(request, response, (url) => this.#hubRoute(url)));
    this.#cdn = createServer((request, response) => this.#answer(request, response, (url) => this.#cdnRoute(url)));
  }

  static async start(id: string, files: readonly HubFile[]): Promise<HubServer> {
    const server = new HubServer(id, files);
    for (const part of [server.#hub, server.#cdn]) {
      await new Promise<void>((resolve) => part.listen(0, '127.0.0.1', resolve));
    }
    return server;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  get cdn(): string {
    return `http://localhost:${(this.#cdn.address() as AddressInfo).port}`;
  }

  /** Bytes of files that went out since the last call. */
  takeSent(): number {
    return this.takeSeen().reduce((sum, { bytesSent }) => sum + bytesSent, 0);
  }

  takeSeen(): readonly SeenRequest[] {
    return this.seen.splice(0);
  }

  async close(): Promise<void> {
    for (const server of [this.#hub, this.#cdn]) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse, route: (url: URL) => Answer): void {
    const { host = '', range, authorization } = request.headers;
    const seen: SeenRequest = { path: request.url ?? '', host, range, authorization, status: 0, bytesSent: 0 };
    this.seen.push(seen);
    const { refusal, refusals = 0 } = this.faults;
    const refused = refusal !== undefined && refusals > 0;
    if (refused) this.faults.refusals = refusals - 1;
    const answer = refused ? refusal : route(new URL(request.url ?? '/', `http://${host}`));
    void this.#send(answer, seen, response);
  }

  #hubRoute(url: URL): Answer {
    const path = decodeURIComponent(url.pathname);
    const api = `/api/models/${this.id}`;
    if (path.startsWith(`${api}/revision/`)) return json(this.#info());
    if (path.startsWith(`${api}/tree/`)) return this.#tree(url);
    const prefix = `/${this.id}/resolve/${this.commit}/`;
    const file = path.startsWith(prefix) && this.files.find((each) => each.path === path.slice(prefix.length));
    if (!file)
      return { status: 404, headers: { 'x-error-code': path.includes('resolve') ? 'EntryNotFound' : 'RepoNotFound' } };
    const headers = { 'x-repo-commit': this.commit, etag: `"${digestOf(file)}"` };
    if (!file.lfs) return { status: 200, headers, file };
    const cdnPath = `/cdn/${digestOf(file)}?Signature=abc`;
    return {
      status: 302,
      headers: {
        'x-repo-commit': this.commit,
        'x-linked-etag': `"${digestOf(file)}"`,
        'x-linked-size': String(file.bytes.length),
        location: this.faults.redirect?.(cdnPath) ?? this.cdn + cdnPath,
      },
    };
  }

  #cdnRoute(url: URL): Answer {
    const file = this.files.find((each) => each.lfs && url.pathname === `/cdn/${digestOf(each)}`);
    if (!file || !url.search.includes('Signature')) return { status: 403 };
    return { status: 200, headers: { etag: '"an-etag-of-the-cdn-s-own"' }, file };
  }

  #info(): unknown {
    const config = this.modelType === undefined ? undefined : { model_type: this.modelType };
    const _id = '6890000000000000000000aa';
    return {
      _id,
      id: this.id,
      sha: this.commit,
      private: false,
      gated: false,
      downloads: 7,
      likes: 3,
      config,
      lastModified: '2025-08-26T17:25:47.000Z',
    };
  }

  /** Pages of five entries, as the hub's of a thousand. */
  #tree(url: URL): Answer {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const directories = [...new Set(this.files.flatMap(({ path }) => path.split('/').slice(0, -1)))];
    const entries = [
      ...directories.map((path) => ({ type: 'directory', oid: '0'.repeat(40), size: 0, path })),
      ...this.files.map((file) => treeEntry(file)),
    ];
    const answer = json(entries.slice(start, start + 5));
    if (start + 5 >= entries.length) return answer;
    url.searchParams.set('cursor', String(start + 5));
    const next = new URL(url.pathname + url.search, this.pagesFrom ?? url.origin);
    return { ...answer, headers: { ...answer.headers, link: `<${next.href}>; rel="next"` } };
  }

  async #send(answer: Answer, seen: SeenRequest, response: ServerResponse): Promise<void> {
    const { file, headers = {} } = answer;
    const range = this.faults.ignoreRange ? null : /^bytes=(\d+)-$/.exec(seen.range ?? '');
    const start = file && range ? Number(range[1]) : 0;
    const total = file?.bytes.length ?? 0;
    const beyond = file !== undefined && range !== null && start >= total;
    seen.status = beyond ? 416 : range && file ? 206 : answer.status;
    const body = file ? this.#damaged(file).subarray(start) : (answer.body ?? new Uint8Array());
    const extra = seen.status === 206 ? { 'content-range': `bytes ${start}-${total - 1}/${total}` } : {};
    response.writeHead(seen.status, { ...headers, ...extra, 'content-length': beyond ? 0 : body.length });
    if (beyond || !file) return void response.end(body);
    await this.#sendSlowly(file, body, seen, response);
  }

  async #sendSlowly(file: HubFile, body: Uint8Array, seen: SeenRequest, response: ServerResponse): Promise<void> {
    const { breaks = 0, stalls = 0, breakAfterBytes = Number.POSITIVE_INFINITY, delayMs } = this.faults;
    const breaking = file.lfs === true && breaks > 0 && body.length > breakAfterBytes;
    const stalling = file.lfs === true && stalls > 0;
    if (breaking) this.faults.breaks = breaks - 1;
    if (stalling) this.faults.stalls = stalls - 1;
    const end = breaking ? breakAfterBytes : stalling ? body.length >> 1 : body.length;
    for (let at = 0; at < end && !response.destroyed; at += 65536) {
      if (delayMs) await new Promise((resolve) => setTimeout(resolve, delayMs));
      const piece = body.subarray(at, Math.min(at + 65536, end));
      await written(response, piece);
      seen.bytesSent += piece.length;
    }
    if (breaking) response.destroy();
    else if (!stalling) response.end();
  }

  #damaged(file: HubFile): Uint8Array {
    const { corrupt = 0 } = this.faults;
    if (!file.lfs || corrupt === 0) return file.bytes;
    this.faults.corrupt = corrupt - 1;
    const bytes = Uint8Array.from(file.bytes);
    bytes[bytes.length >> 1]! ^= 1;
    return bytes;
  }
}

/** Waits until the piece is with the system, or the client has gone. */
function written(response: ServerResponse, piece: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      response.off('close', finish);
      resolve();
    };
    response.once('close', finish);
    response.write(piece, finish);
  });
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: Uint8Array;
  readonly file?: HubFile;
}

function json(value: unknown): Answer {
  return { status: 200, headers: { 'content-type': 'application/json' }, body: Buffer.from(JSON.stringify(value)) };
}

const digests = new WeakMap<Uint8Array, Map<boolean, string>>();

/** SHA-256 of an LFS file, git's blob SHA-1 of any other: what the hub calls its ETag. */
export function digestOf({ bytes, lfs = false }: HubFile): string {
  const known = digests.get(bytes) ?? new Map<boolean, string>();
  digests.set(bytes, known);
  const hash = lfs ? createHash('sha256') : createHash('sha1').update(`blob ${bytes.length}\0`);
  const digest = known.get(lfs) ?? hash.update(bytes).digest('hex');
  known.set(lfs, digest);
  return digest;
}

function treeEntry(file: HubFile): unknown {
  const size = file.bytes.length;
  const pointer = { oid: digestOf({ ...file, lfs: true }), size, pointerSize: 134 };
  const lfs = file.lfs ? { lfs: pointer, oid: '1'.repeat(40), xetHash: '2'.repeat(64) } : { oid: digestOf(file) };
  return { type: 'file', path: file.path, size, ...lfs, ...file.listed };
}
