import { useEffect, useRef, useState } from 'preact/hooks';

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
  const plain = display ? `\\[${source}\\]` : `\\(${source}\\)`;
  return (
    <span class={display ? 'maths display' : 'maths'}>
      {isReady && source.length < LONGEST ? <span key="drawn" ref={place} /> : <span key="plain">{plain}</span>}
    </span>
  );
}

/** Builds nodes, no HTML text; links, pictures and styles that a formula asks for are refused. */
function draw(with_: Katex, source: string, displayMode: boolean, place: HTMLElement): void {
  try {
    with_.render(source, place, {
      displayMode,
      throwOnError: false,
      trust: false,
      strict: 'ignore',
      maxSize: 30,
      maxExpand: 500,
    });
  } catch {
    place.textContent = source;
  }
}
