import { useCallback, useRef, useState } from 'preact/hooks';
import { Canvas, type Pad, useWidth } from '../charts/canvas.tsx';
import { bits } from '../charts/format.ts';
import type { TracedStep } from '../state/turns.ts';
import { type Column, columnsOf } from './heat.ts';
import { cursor, measure, moveTo } from './state.ts';

const height = 52;
const strip = 6;
const channels = {
  analysis: '--band-analysis',
  commentary: '--band-commentary',
  final: '--band-final',
  header: '--line-strong',
};

const captions = {
  probability: 'Surprise along the output',
  entropy: 'Entropy along the output',
  rank: 'Rank along the output',
};

const tops = { probability: '8 bits, a chance of 1 in 256', entropy: '8 bits', rank: 'the 256th, or one not told' };

/** The whole output at a glance: how surprising each part was, and in which channel it stands. A click goes there. */
export function Minimap({ step }: { readonly step: TracedStep }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [held, hold] = useState(false);
  const kind = measure.value === 'none' ? 'probability' : measure.value;
  const columns = Math.max(1, Math.floor(useWidth(canvas) / 3));
  const at = cursor.value - step.prompt.length;
  const last = step.output.length - 1;
  const draw = useCallback(
    (pad: Pad) => {
      drawColumns(pad, columnsOf(step.output, columns, kind));
      drawCursor(pad, at, step.output.length);
    },
    [step, kind, at, columns],
  );
  const goTo = (event: PointerEvent) => {
    const { left, width } = canvas.current!.getBoundingClientRect();
    const share = Math.max(0, Math.min(0.99999, (event.clientX - left) / width));
    moveTo(step.prompt.length + Math.floor(share * step.output.length));
  };
  const token = step.output[Math.max(0, Math.min(last, at))];
  return (
    <>
      <p class="map-says">
        <span>
          {captions[kind]}, {step.output.length > columns ? 'mean and (pale) highest of each column' : 'token by token'}
          : up to {tops[kind]}
        </span>
        <span class="number">{step.output.length.toLocaleString('en')} tokens</span>
      </p>
      <Canvas
        canvas={canvas}
        class="minimap"
        height={height}
        draw={draw}
        role="slider"
        tabIndex={0}
        aria-label="Map of the output"
        aria-valuemin={1}
        aria-valuemax={last + 1}
        aria-valuenow={Math.max(0, Math.min(last, at)) + 1}
        aria-valuetext={`Token ${at + 1} of ${last + 1}, ${token?.channel}${token?.entropy === undefined ? '' : `, ${bits(token.entropy)}`}`}
        onPointerDown={(event) => {
          canvas.current!.setPointerCapture(event.pointerId);
          hold(true);
          goTo(event);
        }}
        onPointerMove={(event) => held && goTo(event)}
        onPointerUp={() => hold(false)}
        onPointerCancel={() => hold(false)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -100, PageDown: 100 }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          moveTo(Math.max(step.prompt.length, cursor.value + by));
        }}
      />
    </>
  );
}

function drawColumns({ context, width, height: tall, colour }: Pad, columns: readonly Column[]): void {
  context.clearRect(0, 0, width, tall);
  const wide = width / Math.max(1, columns.length);
  const room = tall - strip - 3;
  columns.forEach((column, index) => {
    const left = index * wide;
    const thick = Math.max(1, wide > 3 ? wide - 1 : wide);
    context.fillStyle = colour('--heat');
    context.globalAlpha = 0.35;
    context.fillRect(left, room - column.peak * room, thick, column.peak * room);
    context.globalAlpha = 1;
    context.fillRect(left, room - column.mean * room, thick, column.mean * room);
    context.fillStyle = colour(channels[column.channel]);
    context.fillRect(left, tall - strip, wide + 0.5, strip);
  });
  context.fillStyle = colour('--line');
  context.fillRect(0, room, width, 1);
}

function drawCursor({ context, width, height: tall, colour }: Pad, at: number, tokens: number): void {
  if (at < 0 || tokens === 0) return;
  const middle = ((at + 0.5) / tokens) * width;
  context.fillStyle = colour('--ink');
  context.fillRect(Math.round(middle) - 1, 0, 2, tall);
}
