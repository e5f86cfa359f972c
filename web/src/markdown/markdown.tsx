import { Component, Fragment } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { type Block, BlockSplitter } from './blocks.ts';
import { CitationMark } from './citations.tsx';
import { Code } from './code.tsx';
import { copyOf } from './copy-of.ts';
import { Maths } from './math.tsx';
import { type Parts, renderMarkdown } from './render.ts';

const parts: Parts = { Code, Math: Maths, Citation: CitationMark };

/** Blocks are kept in chapters, so that one more block makes the page look at one chapter only. */
const CHAPTER = 24;

interface Drawn {
  splitter: BlockSplitter;
  length: number;
  /** Of finished blocks, each full. */
  chapters: (readonly Block[])[];
}

const fresh = (): Drawn => ({ splitter: new BlockSplitter(), length: 0, chapters: [] });
const none: readonly Block[] = [];

/** Markdown that may still grow. Finished blocks are parsed and drawn once; only the last one is while it is open. */
export function Markdown({ text, open = false }: { readonly text: string; readonly open?: boolean }) {
  const kept = useRef<Drawn>(fresh());
  if (text.length < kept.current.length) kept.current = fresh(); // taken back, or another text
  const drawn = kept.current;
  if (text.length > drawn.length) drawn.splitter.push(copyOf(text.slice(drawn.length)));
  drawn.length = text.length;
  const { done, tail } = drawn.splitter;
  const { chapters } = drawn;
  while ((chapters.length + 1) * CHAPTER <= done.length) {
    chapters.push(done.slice(chapters.length * CHAPTER, (chapters.length + 1) * CHAPTER));
  }
  const last = done.slice(chapters.length * CHAPTER);
  return (
    <div class="markdown">
      {[...chapters, last].map((blocks, index) => {
        const isLast = index === chapters.length;
        return <Chapter key={index} blocks={blocks} tail={isLast ? tail : none} open={isLast && open} />;
      })}
    </div>
  );
}

interface ChapterProps {
  readonly blocks: readonly Block[];
  /** Blocks that may still change. */
  readonly tail: readonly Block[];
  /** More is coming. */
  readonly open: boolean;
}

/**
 * What is complete is not drawn again because its blocks are the same. (Vnodes are not kept for that: each refers to its parent,
 * and so to the text as it was then.)
 */
class Chapter extends Component<ChapterProps> {
  override shouldComponentUpdate({ blocks, tail, open }: ChapterProps): boolean {
    return blocks !== this.props.blocks || tail !== this.props.tail || open !== this.props.open;
  }

  override render({ blocks, tail, open }: ChapterProps) {
    const all = [...blocks, ...tail];
    return (
      <div class="chapter">
        {all.map((block, index) => (
          <BlockView key={index} block={block} open={open && index === all.length - 1 && tail.length > 0} />
        ))}
      </div>
    );
  }
}

interface BlockProps {
  readonly block: Block;
  readonly open: boolean;
}

class BlockView extends Component<BlockProps> {
  override shouldComponentUpdate({ block, open }: BlockProps): boolean {
    return block !== this.props.block || open !== this.props.open;
  }

  override render({ block: { kind, source, info }, open }: BlockProps) {
    if (kind === 'code') return <Code source={source.replace(/\n$/, '')} language={info} open={open} />;
    if (kind === 'math') return <Maths source={source} display />;
    if (kind === 'table') return <Table source={source} />;
    return <Fragment>{renderMarkdown(source, parts)}</Fragment>;
  }
}

const ROWS = 100;
/** Characters of as many rows: those of wide tables are fewer. */
const WIDE = 30_000;

/** Long tables are shown by and by. */
function Table({ source }: { readonly source: string }) {
  const [pages, setPages] = useState(1);
  const end = Math.max(endOfLine(source, 3), lastLine(source, endOfLine(source, ROWS * pages + 2), WIDE * pages));
  const more = countLines(source, end);
  return (
    <>
      <Rows source={source.slice(0, end)} longest={WIDE * (pages + 1)} />
      {more > 0 && (
        <button type="button" class="button quiet" onClick={() => setPages(pages + 5)}>
          {more.toLocaleString()} more {more === 1 ? 'row' : 'rows'}
        </button>
      )}
    </>
  );
}

interface RowsProps {
  readonly source: string;
  readonly longest: number;
}

/** Drawn again only when there are other rows to be seen: those that come behind them are many. */
class Rows extends Component<RowsProps> {
  override shouldComponentUpdate({ source, longest }: RowsProps): boolean {
    return source !== this.props.source || longest !== this.props.longest;
  }

  override render({ source, longest }: RowsProps) {
    return <Fragment>{renderMarkdown(source, parts, longest)}</Fragment>;
  }
}

/** Where the lines end of which the text has room for, up to `end`. */
function lastLine(source: string, end: number, room: number): number {
  return end <= room ? end : source.lastIndexOf('\n', room) + 1;
}

function endOfLine(source: string, lines: number): number {
  let at = 0;
  for (let line = 0; line < lines; line++) {
    at = source.indexOf('\n', at) + 1;
    if (at === 0) return source.length;
  }
  return at;
}

function countLines(source: string, from: number): number {
  let count = 0;
  for (let at = source.indexOf('\n', from); at >= 0; at = source.indexOf('\n', at + 1)) count++;
  return count;
}
