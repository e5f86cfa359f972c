/** The thread that HTML is read on, so that a hostile page takes nobody's time but its own. */
import { parentPort } from 'node:worker_threads';
import { readHtml } from './html.ts';
import type { Page } from './page.ts';

export interface ReadRequest {
  readonly html: string;
  readonly url: string;
}

export type ReadReply = { readonly page: Page } | { readonly error: string };

parentPort!.on('message', ({ html, url }: ReadRequest) => {
  parentPort!.postMessage(reply(html, url));
});

function reply(html: string, url: string): ReadReply {
  try {
    return { page: readHtml(html, url) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
