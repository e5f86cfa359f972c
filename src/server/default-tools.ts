import { openBrowser, openCorpus, openPython, type Tool } from '../tools/index.ts';

/** A browser over Ossia's own documents, offline, and Python: for `ServeOptions.tools`, and to be closed by whoever makes them. */
export function defaultTools(): Tool[] {
  return [openBrowser({ provider: openCorpus() }), openPython()];
}
