/** The thread that pages are read on, so that a hostile one takes nobody's time but its own. */
import { parentPort } from 'node:worker_threads';
import { type FetchedPage, type Page, PageError } from './page.ts';
import { readPage, readSource } from './read-page.ts';

export interface ReadRequest {
  readonly fetched: FetchedPage;
  /** Its bytes as text, whatever they mean. */
  readonly asSource: boolean;
}

export type ReadReply = { readonly page: Page } | { readonly error: string };

parentPort!.on('message', (request: ReadRequest) => {
  parentPort!.postMessage(reply(request));
});

function reply({ fetched, asSource }: ReadRequest): ReadReply {
  try {
    return { page: asSource ? readSource(fetched) : readPage(fetched) };
  } catch (error) {
    if (error instanceof PageError) return { error: error.message };
    return { error: `The page cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
