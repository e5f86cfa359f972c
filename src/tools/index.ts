/** What the model may call and Ossia carries out. Knows nothing of turns or wire formats. */

export { openBrowser } from './browser/browser.ts';
export { openCorpus } from './browser/corpus.ts';
export { brave, exa, type KeyedProviderOptions, type SearxngOptions, searxng, youCom } from './browser/providers.ts';
export type {
  Browser,
  BrowserLimits,
  BrowserOptions,
  FetchedPage,
  FetchPage,
  SearchOptions,
  SearchProvider,
  SearchResult,
} from './browser/types.ts';
export {
  type McpApproval,
  type McpConfigOptions,
  type McpOptions,
  type McpServer,
  openMcp,
  parseMcpArgument,
  readMcpConfig,
  readMcpFile,
} from './mcp/index.ts';
export { guardedFetch } from './pages/guarded-fetch.ts';
export { openPatch, type PatchOptions } from './patch/index.ts';
export { openPython } from './python/python.ts';
export type { Python, PythonOptions } from './python/types.ts';
export type * from './types.ts';
