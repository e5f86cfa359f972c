import { OssiaError } from '../../base/index.ts';
import { type HubHttp, reasonOf, settled } from './http.ts';
import type { RemoteFile } from './hub.ts';
import { PartialFile } from './partial-file.ts';
import { pause, type RetryOptions, retryDelay, TransientError, Watchdog } from './retry.ts';

export interface DownloadJob {
  readonly http: HubHttp;
  /** Address that redirects to the bytes. It names a commit, so what it stands for never changes. */
  readonly url: string;
  readonly file: RemoteFile;
  /** Where the finished file goes; until then it is `<blobPath>.incomplete`. */
  readonly blobPath: string;
  readonly retry: RetryOptions;
  readonly signal: AbortSignal;
  readonly observe: DownloadObserver;
}

export interface DownloadObserver {
  /** Bytes left by an earlier run are being hashed. */
  verifying(doneBytes: number): void;
  /** `transferredBytes` came over the network since the last call. */
  progress(doneBytes: number, transferredBytes: number): void;
  retrying(failures: number, delayMs: number, reason: string): void;
}

/** The server's bytes are not the published ones: the whole file is asked for once more. */
class WrongBytes extends Error {}

/** A retry that brought this much further counts as a new start, so a long download over a bad line is not given up. */
const PROGRESS_BYTES = 1 << 20;

/** Downloads one file into the cache, or continues; the finished file has its published digest. */
export async function downloadFile(job: DownloadJob): Promise<void> {
  const { file, blobPath, observe, signal } = job;
  const verifying = (doneBytes: number) => observe.verifying(doneBytes);
  const partial = await PartialFile.open(`${blobPath}.incomplete`, file.digest, file.sizeBytes, verifying, signal);
  try {
    observe.progress(partial.position, 0);
    if (!(await fetchAndCheck(job, partial))) {
      observe.retrying(1, 0, `${file.path} differs from its published digest`);
      await partial.restart();
      if (!(await fetchAndCheck(job, partial))) {
        await partial.delete();
        throw corrupted(file);
      }
    }
    await partial.moveTo(blobPath);
  } finally {
    await partial.close();
  }
}

/** Fetches what is missing; false when the bytes are wrong. */
async function fetchAndCheck(job: DownloadJob, partial: PartialFile): Promise<boolean> {
  try {
    await fetchRest(job, partial);
    return partial.matches();
  } catch (error) {
    if (error instanceof WrongBytes) return false;
    throw error;
  }
}

async function fetchRest(job: DownloadJob, partial: PartialFile): Promise<void> {
  const { file, retry, signal, observe } = job;
  const { retries = 5 } = retry;
  let failures = 0;
  let furthest = partial.position;
  while (partial.position < file.sizeBytes) {
    try {
      await attempt(job, partial);
    } catch (error) {
      await partial.flush();
      if (!(error instanceof TransientError)) throw error;
      if (partial.position >= furthest + PROGRESS_BYTES) {
        furthest = partial.position;
        failures = 0;
      }
      if (++failures > retries) {
        throw settled(error, `Cannot download ${file.path}: ${partial.position} of ${file.sizeBytes} bytes are here`);
      }
      const delayMs = retryDelay(error, failures, retry);
      observe.retrying(failures, delayMs, error.message);
      await pause(delayMs, signal);
    }
  }
}

/** One request for the bytes from `position` on. */
async function attempt(job: DownloadJob, partial: PartialFile): Promise<void> {
  const { http, url, file, signal } = job;
  const watchdog = new Watchdog(http.stallMs, signal);
  try {
    // Compressed ranges would be ranges of something else.
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    // No If-Range: the CDN's ETag is not the hub's. The commit in the address and the digest at the end do its work.
    if (partial.position > 0) headers.range = `bytes=${partial.position}-`;
    const answer = await http.send(url, headers, watchdog.signal);
    try {
      checkEtag(file, answer.etag);
      await alignPosition(answer.response, partial);
      await receive(job, partial, answer.response, watchdog);
    } finally {
      await answer.response.body?.cancel().catch(() => {});
    }
  } finally {
    watchdog.stop();
  }
}

/** The hub must still mean the file that it listed. Digests of another kind (a mirror's) say nothing and are passed over. */
function checkEtag(file: RemoteFile, etag: string | undefined): void {
  if (etag === undefined || !/^[0-9a-f]+$/.test(etag) || etag.length !== file.digest.hex.length) return;
  if (etag !== file.digest.hex) throw new WrongBytes();
}

/** A server may ignore Range (200) or find it past the end (416): then the file starts over. */
async function alignPosition(response: Response, partial: PartialFile): Promise<void> {
  if (partial.position === 0) {
    if (response.status === 200) return;
    throw new TransientError('failed', `the server answered ${response.status} where 200 was due`);
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
  if (response.status === 206 && range !== null && Number(range[1]) === partial.position) {
    if (range[2] !== '*' && Number(range[2]) !== partial.sizeBytes) throw new WrongBytes();
    return;
  }
  await partial.restart();
  if (response.status !== 200) throw new TransientError('failed', 'the server could not continue where we stopped');
}

async function receive(job: DownloadJob, partial: PartialFile, response: Response, watchdog: Watchdog): Promise<void> {
  const { file, observe, signal } = job;
  for await (const chunk of bodyOf(response, watchdog, signal)) {
    if (partial.position + chunk.length > file.sizeBytes) throw new WrongBytes();
    await partial.append(chunk);
    observe.progress(partial.position, chunk.length);
    signal.throwIfAborted();
    if (partial.position === file.sizeBytes) return;
  }
  throw new TransientError('offline', 'the connection ended early');
}

/** The chunks of a body; a break becomes a TransientError, so that failures of the disk stay apart from it. */
async function* bodyOf(response: Response, watchdog: Watchdog, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      watchdog.touch();
      yield value;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw new TransientError('offline', `the connection broke (${reasonOf(error)})`, { cause: error });
  } finally {
    reader.releaseLock();
  }
}

function corrupted({ path, sizeBytes, digest }: RemoteFile): OssiaError {
  const kind = digest.algorithm === 'sha256' ? 'SHA-256' : 'git SHA-1';
  const message = `Downloaded ${path} twice (${sizeBytes} bytes), and twice its ${kind} was not ${digest.hex}: deleted it`;
  return new OssiaError('store/corrupted', message, { details: { path, digest: digest.hex } });
}
