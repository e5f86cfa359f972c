/** A page as the model sees it. */
export interface Page {
  /** Where it was found, after redirects. */
  readonly url: string;
  readonly title: string;
  /** About 80 columns wide. Links stand as 【number†text】, with †host if it is another one. */
  readonly lines: readonly string[];
  /** Addresses by link number. */
  readonly links: readonly string[];
}

/** What stands at an address, as it came. */
export interface FetchedPage {
  /** After all redirects. */
  readonly url: string;
  /** With its parameters, as the server named it; empty when it did not. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

export type FetchPage = (url: string, signal: AbortSignal) => Promise<FetchedPage>;

/** Why there is no page: told to the model, which can try another. */
export class PageError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'PageError';
  }
}

/** Lines of a page at most; what follows is left out, and the page says so. */
export const maxLines = 50_000;

export const goesOn = '[The page goes on; the rest of it is left out]';
