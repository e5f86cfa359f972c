import { useEffect, useRef, useState } from 'preact/hooks';
import { type Builder, formula } from './katex-nodes.ts';

type Katex = typeof import('katex').default;

let opening: Promise<Katex> | undefined;
let katex: Katex | undefined;

/** KaTeX, its styles and its fonts, read with the first formula. */
async function openKatex(): Promise<Katex> {
  opening ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(([module]) => module.default);
  katex = await opening;
  return katex;
}

const LONGEST = 10_000;

/** A formula. Until it can be drawn, or when it cannot, its source. */
export function Maths({ source, display }: { readonly source: string; readonly display: boolean }) {
  const place = useRef<HTMLSpanElement>(null);
  const [isReady, setReady] = useState(katex !== undefined);
  useEffect(() => {
    let wanted = true;
    if (!isReady) {
      openKatex().then(
        () => wanted && setReady(true),
        () => undefined,
      );
    }
    return () => {
      wanted = false;
    };
  }, [isReady]);
  useEffect(() => {
    if (isReady && katex && place.current && source.length < LONGEST) draw(katex, source, display, place.current);
  }, [isReady, source, display]);
  return (
    <span class={display ? 'maths display' : 'maths'} {...(display ? { tabIndex: 0, role: 'math' } : {})}>
      {isReady && source.length < LONGEST ? (
        <span key="drawn" ref={place} />
      ) : (
        <span key="plain">{plainOf(source, display)}</span>
      )}
    </span>
  );
}

function draw(katex: Katex, source: string, display: boolean, place: HTMLElement): void {
  try {
    place.replaceChildren(formula(katex as unknown as Builder, source, display));
  } catch {
    place.textContent = plainOf(source, display); // what is no formula stays a text
  }
}

function plainOf(source: string, display: boolean): string {
  return display ? `\\[${source}\\]` : `\\(${source}\\)`;
}
