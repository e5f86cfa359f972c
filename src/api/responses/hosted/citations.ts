import type { Citation } from '../../../tools/index.ts';
import type { UrlCitation } from './items.ts';

/** Citations of a text as OpenAI's annotations: their places in characters (code points), where JavaScript counts UTF-16 units. */
export function citationsOf(text: string, citations: readonly Citation[]): UrlCitation[] {
  const index = (units: number) => [...text.slice(0, units)].length;
  return citations.map(({ page, start, end }) => ({
    type: 'url_citation',
    url: page.url,
    title: page.title,
    start_index: index(start),
    end_index: index(end),
  }));
}
