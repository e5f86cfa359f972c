import { useComputed, useSignalEffect } from '@preact/signals';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { TracedStep } from '../state/turns.ts';
import { type Band, bandsOf, type Chunk, visible } from './bands.ts';
import { levelOf } from './heat.ts';
import { marked } from './marked.ts';
import { cursor, dots, hovered, measure, moveTo, promptShown } from './state.ts';
import { placed } from './trace.ts';
import { nextPosition } from './walk.ts';

const idOf = (position: number) => `token-${position}`;

/** The turn as text whose every token can be pointed at. One stop of the Tab key; arrows walk from token to token. */
export function TokenText({ step }: { readonly step: TracedStep }) {
  const box = useRef<HTMLDivElement>(null);
  const bands = useMemo(() => bandsOf(step), [step]);
  const shown = promptShown.value ? bands : bands.filter(({ part }) => part === 'output');
  useCursorMark(box, step);
  return (
    <div
      ref={box}
      class="tokens"
      role="listbox"
      tabIndex={0}
      aria-label="Tokens of the turn"
      aria-describedby="tokens-keys"
      aria-activedescendant={useComputed(() => idOf(cursor.value))}
      onPointerOver={(event) => {
        hovered.value = positionOf(event.target);
      }}
      onPointerLeave={() => {
        hovered.value = undefined;
      }}
      onClick={(event) => {
        const position = positionOf(event.target);
        if (position !== undefined) moveTo(position);
      }}
      onKeyDown={(event) => {
        const next = nextPosition(event, step, box.current!);
        if (next === undefined) return;
        event.preventDefault();
        moveTo(next);
      }}
    >
      {shown.map((band) => (
        <BandView key={`${band.part}${band.from}`} band={band} step={step} />
      ))}
    </div>
  );
}

function BandView({ band, step }: { readonly band: Band; readonly step: TracedStep }) {
  const kind = band.part === 'output' ? band.label : 'given';
  return (
    // biome-ignore lint/a11y/useSemanticElements: a part of the list, no form
    <div class={`band ${kind}`} role="group" aria-label={`${band.label}, ${band.part}`}>
      <span class="band-label" aria-hidden="true">
        {band.label}
      </span>
      {band.chunks.map((chunk) => (
        <ChunkView key={chunk.from} chunk={chunk} step={step} />
      ))}
    </div>
  );
}

/** Drawn while it is near what can be seen; else an empty place of the height that it had, or will about have. */
function ChunkView({ chunk, step }: { readonly chunk: Chunk; readonly step: TracedStep }) {
  const place = useRef<HTMLDivElement>(null);
  const [near, setNear] = useState(chunk.from < 300);
  const height = useRef(0);
  useEffect(() => {
    const element = place.current!;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (!entry) return;
        if (!entry.isIntersecting && entry.boundingClientRect.height > 0) {
          height.current = entry.boundingClientRect.height;
        }
        setNear(entry.isIntersecting);
      },
      { root: element.closest('.tokens'), rootMargin: '800px 0px' },
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, [chunk]);
  const guess = Math.ceil((chunk.to - chunk.from) / 14) * 28;
  return (
    <div ref={place} class="chunk" data-from={chunk.from} data-to={chunk.to} role="presentation">
      {near ? <Tokens chunk={chunk} step={step} /> : <div style={{ height: `${height.current || guess}px` }} />}
    </div>
  );
}

function Tokens({ chunk, step }: { readonly chunk: Chunk; readonly step: TracedStep }) {
  const hits = marked.value;
  const positions = Array.from({ length: chunk.to - chunk.from }, (_, index) => chunk.from + index);
  return positions.map((position) => {
    const found = placed(step, position)!;
    const { token } = found;
    const classes = ['token'];
    if (token.control) classes.push('control');
    if (hits?.has(position)) classes.push('hit');
    if (found.part === 'output') {
      const level = levelOf(found.token, measure.value);
      if (level) classes.push(`heat-${level}`);
      if (found.token.forced) classes.push('forced');
    } else if (found.cached) {
      classes.push('cached');
    }
    return (
      // biome-ignore lint/a11y/useFocusableInteractive: the list has the focus, and names its active token
      <span
        key={position}
        id={idOf(position)}
        class={classes.join(' ')}
        data-at={position}
        role="option"
        aria-selected="false"
      >
        {visible(token.text, dots.value)}
      </span>
    );
  });
}

/** The cursor is a class on one element: moving it renders nothing anew. */
function useCursorMark(box: { readonly current: HTMLElement | null }, step: TracedStep): void {
  const before = useRef<Element | null>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    isFirst.current = true;
  }, [step]);
  useSignalEffect(() => {
    const position = cursor.value;
    void measure.value;
    void dots.value;
    void marked.value;
    const quiet = isFirst.current;
    isFirst.current = false;
    requestAnimationFrame(() => {
      before.current?.classList.remove('at');
      before.current?.setAttribute('aria-selected', 'false');
      if (box.current) mark(box.current, position, quiet, (element) => (before.current = element));
    });
  });
}

/** A token of a chunk that is not drawn has to wait until its place has been scrolled to. */
function mark(box: HTMLElement, position: number, quiet: boolean, done: (element: Element) => void, tries = 20): void {
  const element = box.querySelector(`#${idOf(position)}`);
  if (element) {
    element.classList.add('at');
    element.setAttribute('aria-selected', 'true');
    if (!quiet) intoView(box, element);
    done(element);
    return;
  }
  if (tries === 0) return;
  const place = [...box.querySelectorAll<HTMLElement>('.chunk')].find(
    ({ dataset }) => Number(dataset.from) <= position && position < Number(dataset.to),
  );
  if (place) intoView(box, place);
  requestAnimationFrame(() => mark(box, position, quiet, done, tries - 1));
}

/** Scrolls the box alone, and only as far as it takes. */
function intoView(box: HTMLElement, element: Element): void {
  const [outer, inner] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
  const margin = Math.min(60, outer.height / 4);
  if (inner.top < outer.top + margin || inner.bottom > outer.bottom - margin) {
    box.scrollTop += inner.top - outer.top - outer.height / 3;
  }
}

function positionOf(target: EventTarget | null): number | undefined {
  const at = target instanceof Element ? target.closest('[data-at]')?.getAttribute('data-at') : undefined;
  return at == null ? undefined : Number(at);
}
