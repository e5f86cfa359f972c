import type { Browser, BrowserOptions } from './types.ts';

export function openBrowser(_options: BrowserOptions): Browser {
  throw new TypeError('Not there yet');
}
