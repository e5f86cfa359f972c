import { OssiaError } from '../base/index.ts';

/**
 * Finds stop texts in text that comes in pieces, wherever the pieces are cut. Text that may be the beginning of a stop text is
 * held back until the next piece decides.
 */
export class StopStrings {
  readonly #stops: readonly string[];
  #held = '';

  /** Throws `engine/bad-parameter` unless each is a text that is not empty. */
  constructor(stops: readonly string[]) {
    const isText = (stop: unknown) => typeof stop === 'string' && stop !== '';
    if (!Array.isArray(stops) || !stops.every(isText)) {
      const message = `Expected stop to be texts that are not empty, got ${JSON.stringify(stops)?.slice(0, 80)}`;
      throw new OssiaError('engine/bad-parameter', message, { details: { parameter: 'stop' } });
    }
    this.#stops = stops;
  }

  /** What is certain to stand before any stop text, and the stop text if there it is. Nothing may follow a hit. */
  push(piece: string): { readonly text: string; readonly hit?: string } {
    if (this.#stops.length === 0) return { text: piece };
    const text = this.#held + piece;
    const hits = this.#stops.map((stop) => ({ stop, at: text.indexOf(stop) })).filter(({ at }) => at >= 0);
    if (hits.length > 0) {
      // The one that is complete first, as if the text came letter by letter; among those the longest.
      const end = ({ stop, at }: { stop: string; at: number }) => at + stop.length;
      const first = hits.reduce((best, hit) => ((end(hit) - end(best) || hit.at - best.at) < 0 ? hit : best));
      this.#held = '';
      return { text: text.slice(0, first.at), hit: first.stop };
    }
    const held = Math.max(...this.#stops.map((stop) => overlap(text, stop)));
    this.#held = text.slice(text.length - held);
    return { text: text.slice(0, text.length - held) };
  }

  /** What was held back, at the end of the text. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}

/** How much of the end of `text` is a beginning of `stop`, short of all of it. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) {
    if (text.endsWith(stop.slice(0, length))) return length;
  }
  return 0;
}
