import { Fragment, type VNode } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { type Block, BlockSplitter } from './blocks.ts';
import { CitationMark } from './citations.tsx';
import { Code } from './code.tsx';
import { Maths } from './math.tsx';
import { type Parts, renderMarkdown } from './render.ts';

const parts: Parts = { Code, Math: Maths, Citation: CitationMark };

/** Blocks are kept in chapters, so that one more block makes the page look at one chapter only. */
const CHAPTER = 24;

interface Drawn {
  splitter: BlockSplitter;
  length: number;
  /** As many as there are finished blocks. */
  blocks: VNode[];
  chapters: VNode[];
}

const fresh = (): Drawn => ({ splitter: new BlockSplitter(), length: 0, blocks: [], chapters: [] });

/** Markdown that may still grow. Finished blocks are parsed and drawn once; only the last one is while it is open. */
export function Markdown({ text, open = false }: { readonly text: string; readonly open?: boolean }) {
  const kept = useRef<Drawn>(fresh());
  if (text.length < kept.current.length) kept.current = fresh(); // taken back, or another text
  const drawn = kept.current;
  if (text.length > drawn.length) drawn.splitter.push(text.slice(drawn.length));
  drawn.length = text.length;
  const { done, tail } = drawn.splitter;
  for (let at = drawn.blocks.length; at < done.length; at++)
    drawn.blocks.push(<BlockView key={at} block={done[at]!} open={false} />);
  const whole = Math.floor(done.length / CHAPTER);
  for (let at = drawn.chapters.length; at < whole; at++) {
    const blocks = drawn.blocks.slice(at * CHAPTER, (at + 1) * CHAPTER);
    drawn.chapters.push(
      <div class="chapter" key={`chapter ${at}`}>
        {blocks}
      </div>,
    );
  }
  const last = (
    <div class="chapter" key={`chapter ${whole}`}>
      {[
        ...drawn.blocks.slice(whole * CHAPTER),
        ...tail.map((block, index) => (
          <BlockView key={done.length + index} block={block} open={open && index === tail.length - 1} />
        )),
      ]}
    </div>
  );
  return <div class="markdown">{[...drawn.chapters, last]}</div>; // one list each: what grows out of the last place stays what it is
}

function BlockView({ block, open }: { readonly block: Block; readonly open: boolean }) {
  const { kind, source, info } = block;
  if (kind === 'code') return <Code source={source.replace(/\n$/, '')} language={info} open={open} />;
  if (kind === 'math') return <Maths source={source} display />;
  if (kind === 'table') return <Table source={source} />;
  return <Fragment>{renderMarkdown(source, parts)}</Fragment>;
}

const ROWS = 100;

/** Long tables are shown by and by. */
function Table({ source }: { readonly source: string }) {
  const [shown, setShown] = useState(ROWS);
  const end = endOfLine(source, shown + 2);
  const more = countLines(source, end);
  return (
    <>
      {renderMarkdown(source.slice(0, end), parts)}
      {more > 0 && (
        <button type="button" class="button quiet" onClick={() => setShown(shown + 5 * ROWS)}>
          {more.toLocaleString()} more {more === 1 ? 'row' : 'rows'}
        </button>
      )}
    </>
  );
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
