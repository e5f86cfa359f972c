import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, gzip, constants as zlib } from 'node:zlib';

export type Encoding = 'br' | 'gzip';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
};
const COMPRESSIBLE = /^(?:text|application|image\/svg)/;
/** Below this a compressed file saves nothing worth having. */
const LEAST_BYTES = 1024;
/** Beside each other so, files are compressed forms of one that was built. */
const PRECOMPRESSED: Readonly<Record<string, Encoding>> = { '.br': 'br', '.gz': 'gzip' };

/** One file of a folder, in memory. */
export class StaticFile {
  readonly type: string;
  readonly etag: string;
  /** Its name has a hash of what is in it: whoever has it need never ask again. */
  readonly isImmutable: boolean;
  readonly #bytes: Buffer;
  readonly #encoded: Map<Encoding, Promise<Buffer>>;

  constructor(path: string, bytes: Buffer, encoded: ReadonlyMap<Encoding, Buffer>) {
    this.type = TYPES[extname(path)] ?? 'application/octet-stream';
    this.etag = `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    this.isImmutable = /^assets\/.+-[\w-]{8,}\.\w+$/.test(path);
    this.#bytes = bytes;
    this.#encoded = new Map([...encoded].map(([encoding, form]) => [encoding, Promise.resolve(form)]));
  }

  /** The file in the best of the forms that the reader takes; compressed once, when first asked for. */
  async read(acceptEncoding = ''): Promise<{ readonly bytes: Buffer; readonly encoding: Encoding | undefined }> {
    if (this.#bytes.length < LEAST_BYTES || !COMPRESSIBLE.test(this.type)) return this.#plain;
    const encoding = bestEncoding(acceptEncoding);
    if (encoding === undefined) return this.#plain;
    let form = this.#encoded.get(encoding);
    if (!form) {
      form = compress(this.#bytes, encoding);
      this.#encoded.set(encoding, form);
    }
    const bytes = await form;
    return bytes.length < this.#bytes.length ? { bytes, encoding } : this.#plain;
  }

  get #plain() {
    return { bytes: this.#bytes, encoding: undefined };
  }
}

function bestEncoding(accept: string): Encoding | undefined {
  const refused = /;\s*q=0(?:\.0*)?$/;
  const accepted = accept
    .toLowerCase()
    .split(',')
    .map((part) => part.trim())
    .filter((part) => !refused.test(part))
    .map((part) => part.split(';')[0]!.trim());
  return (['br', 'gzip'] as const).find((encoding) => accepted.includes(encoding));
}

const [gzipped, brotlied] = [promisify(gzip), promisify(brotliCompress)];

function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  if (encoding === 'gzip') return gzipped(bytes, { level: 6 });
  return brotlied(bytes, { params: { [zlib.BROTLI_PARAM_QUALITY]: 6, [zlib.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
}

/** The files of a folder by their paths in it, `assets/index-4fe2a1b0.js`. A path is a key and never reaches the file system. */
export class StaticFiles {
  readonly #folder: string;
  #files: Promise<ReadonlyMap<string, StaticFile>> | undefined;
  #built: number | undefined;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** `index.html`, read again when it was built again; undefined where it was not built. */
  async page(): Promise<StaticFile | undefined> {
    const built = await stat(join(this.#folder, 'index.html')).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
    if (built !== this.#built) this.#files = undefined;
    this.#built = built;
    return built === undefined ? undefined : this.get('index.html');
  }

  async get(path: string): Promise<StaticFile | undefined> {
    this.#files ??= readFiles(this.#folder);
    return (await this.#files).get(path);
  }
}

async function readFiles(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const contents = new Map<string, Buffer>();
  for (const name of names) {
    const path = join(folder, name);
    const isVisible = !name.split(sep).some((part) => part.startsWith('.'));
    if (isVisible && (await lstat(path)).isFile()) contents.set(name.split(sep).join('/'), await readFile(path));
  }
  const files = new Map<string, StaticFile>();
  for (const [name, bytes] of contents) {
    if (PRECOMPRESSED[extname(name)] !== undefined) continue;
    const encoded = Object.entries(PRECOMPRESSED).flatMap(([ending, encoding]) => {
      const form = contents.get(name + ending);
      return form === undefined ? [] : [[encoding, form] as const];
    });
    files.set(name, new StaticFile(name, bytes, new Map(encoded)));
  }
  return files;
}
