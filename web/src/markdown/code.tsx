import { Component, type ComponentChild } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../shell/copy-button.tsx';
import { copyOf } from './copy-of.ts';
import { highlight } from './highlight.ts';
import { grammarOf } from './languages.ts';

export interface CodeProps {
  readonly source: string;
  /** As it stands behind the fence. */
  readonly language: string;
  /** More of it is coming: it is not coloured yet. */
  readonly open?: boolean;
}

/** Longer code stays of one colour. */
const LONGEST_COLOURED = 60_000;

export function Code({ source, language, open = false }: CodeProps) {
  const coloured = useColours(source, language, open);
  const label = /^[^\s{]+/.exec(language)?.[0] ?? 'text';
  return (
    <figure class="code">
      <figcaption>
        <span>{label}</span>
        <CopyButton text={source} label="Copy the code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and not everybody has a mouse */}
      <pre tabIndex={0}>
        <code>{coloured ?? <Pieces source={source} />}</code>
      </pre>
    </figure>
  );
}

function useColours(source: string, language: string, open: boolean): readonly ComponentChild[] | undefined {
  const [coloured, setColoured] = useState<{ readonly of: string; readonly children: readonly ComponentChild[] }>();
  useEffect(() => {
    const grammar = grammarOf(language);
    if (open || grammar === undefined || source.length > LONGEST_COLOURED) return;
    let wanted = true;
    highlight(source, grammar).then(
      (children) => wanted && setColoured({ of: source, children }),
      () => undefined, // then it stays as it is
    );
    return () => {
      wanted = false;
    };
  }, [source, language, open]);
  return coloured?.of === source ? coloured.children : undefined;
}

const LINES = 80;

/** Long code in pieces of lines: those that are whole are not looked at again while more comes. */
function Pieces({ source }: { readonly source: string }) {
  const done = useRef<{ pieces: string[]; end: number; begin: string }>({ pieces: [], end: 0, begin: '' });
  const { current } = done;
  if (!source.startsWith(current.begin) || source.length < current.end) Object.assign(current, { pieces: [], end: 0 });
  current.begin = copyOf(source.slice(0, 64));
  for (let end = endOf(source, current.end); end > 0; end = endOf(source, current.end)) {
    current.pieces.push(copyOf(source.slice(current.end, end)));
    current.end = end;
  }
  return (
    <>
      {current.pieces.map((text, index) => (
        <Piece key={index} text={text} />
      ))}
      {source.slice(current.end)}
    </>
  );
}

class Piece extends Component<{ readonly text: string }> {
  override shouldComponentUpdate({ text }: { readonly text: string }): boolean {
    return text !== this.props.text;
  }

  override render() {
    return <span class="piece">{this.props.text}</span>;
  }
}

/** Behind the next so many lines; 0: there are not so many. */
function endOf(source: string, from: number): number {
  let at = from;
  for (let line = 0; line < LINES; line++) {
    at = source.indexOf('\n', at) + 1;
    if (at === 0) return 0;
  }
  return at;
}
