import { bytes, duration } from './format.ts';
import type { Channel } from './terminal.ts';

/** How often a plain line is printed where nothing can be overwritten. */
const PLAIN_MS = 10_000;

/** How far a download is. Speed and time left are those of the last seconds. */
export interface DownloadState {
  readonly file: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number | undefined;
}

/** `model-00001-of-00002.safetensors  41%  5.3 GiB of 12.8 GiB  38.2 MiB/s  3m 21s left` */
export function describeDownload({ file, doneBytes, totalBytes, bytesPerSecond, secondsLeft }: DownloadState): string {
  const parts = [file];
  if (totalBytes > 0) parts.push(`${Math.floor((100 * doneBytes) / totalBytes)}%`);
  parts.push(`${bytes(doneBytes)} of ${bytes(totalBytes)}`);
  if (bytesPerSecond !== undefined && bytesPerSecond > 0) parts.push(`${bytes(Math.round(bytesPerSecond))}/s`);
  if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
  return parts.join('  ');
}

/** Shows one line that changes on a terminal, and a plain line now and then elsewhere. */
export class ProgressLine {
  readonly #channel: Channel;
  #shownAt = Number.NEGATIVE_INFINITY;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  show(text: string, now = performance.now()): void {
    if (this.#channel.isTerminal) {
      this.#channel.replaceLine(text.slice(0, this.#channel.columns - 1));
    } else if (now - this.#shownAt >= PLAIN_MS) {
      this.#shownAt = now;
      this.#channel.line(text);
    }
  }

  /** Takes the changing line away, so that ordinary lines can follow. */
  clear(): void {
    if (this.#channel.isTerminal) this.#channel.replaceLine('');
  }
}
