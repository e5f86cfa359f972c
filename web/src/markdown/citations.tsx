import { createContext } from 'preact';
import { useContext, useId } from 'preact/hooks';
import type { Citation } from '../net/types.ts';
import { putBeside } from '../shell/popover.ts';
import { safeHref } from './safe-link.ts';

/** Of the answer that is drawn; empty until it is complete. */
export const Citations = createContext<readonly Citation[]>([]);

/** `【2†L3-L7】` as a small number; a click shows the lines that it points to. */
export function CitationMark({ text }: { readonly text: string }) {
  const id = useId();
  const citations = useContext(Citations);
  const index = citations.findIndex((citation) => citation.text === text);
  const found = citations[index];
  if (!found)
    return (
      <sup class="citation unknown" title={text}>
        {/^【(\d+)/.exec(text)?.[1]}
      </sup>
    );
  const number = [...new Set(citations.map(({ page }) => page.url))].indexOf(found.page.url) + 1;
  return (
    <>
      <sup class="citation">
        <button type="button" popovertarget={id} aria-label={`Source ${number}: ${found.page.title}`}>
          {number}
        </button>
      </sup>
      <CitedLines id={id} citation={found} />
    </>
  );
}

function CitedLines({ id, citation }: { readonly id: string; readonly citation: Citation }) {
  const { page, lines, quote } = citation;
  const href = safeHref(page.url);
  return (
    <span id={id} popover="auto" class="cited" role="note" onToggle={(event) => putBeside(event.currentTarget)}>
      <strong>{page.title || page.url}</strong>
      <q>{quote}</q>
      <span class="hint">
        Lines {lines.first}–{lines.last} of{' '}
        {href ? (
          <a href={href} target="_blank" rel="noopener noreferrer nofollow">
            {page.url}
          </a>
        ) : (
          page.url
        )}
      </span>
    </span>
  );
}
