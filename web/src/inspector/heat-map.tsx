import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Canvas, type Pad } from '../charts/canvas.tsx';
import { percent, threeDigits } from '../charts/format.ts';
import type { Routing } from '../net/types.ts';
import { expert, shown } from './state.ts';

const labels = 30;
const axis = 18;

interface Cell {
  readonly layer: number;
  readonly expert: number;
}

export interface HeatMapProps {
  readonly routing: Routing;
  /** [layer][expert] */
  readonly loads: readonly Float64Array[];
}

/**
 * Layers by experts, the darker the busier, against the even share; frames are the picks for the token at the cursor. With the keyboard:
 * arrows go from cell to cell, Enter chooses one.
 */
export function HeatMap({ routing, loads }: HeatMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cell, point] = useState<Cell>();
  const row = Math.max(8, Math.min(18, Math.floor(420 / routing.layers)));
  const height = row * routing.layers + axis;
  const position = shown.value;
  const chosen = expert.value;
  const highest = Math.max(...loads.map((load) => shareOf(load, indexOfMax(load))));
  const draw = useCallback(
    (pad: Pad) => {
      drawCells(pad, loads, row, highest);
      drawPicks(pad, routing, position, row);
      if (chosen) frame(pad, routing, chosen, row, '--ink', 2.5);
      if (cell) frame(pad, routing, cell, row, '--ink', 1.5);
    },
    [loads, routing, position, row, highest, chosen, cell],
  );
  useEffect(() => point(undefined), [routing]);
  const choose = (at: Cell) => {
    const isSame = chosen?.layer === at.layer && chosen.expert === at.expert;
    expert.value = isSame ? undefined : at;
  };
  return (
    <figure class="heat-map">
      <Canvas
        canvas={canvas}
        height={height}
        draw={draw}
        role="application"
        aria-roledescription="heat map"
        aria-label={`Load of ${routing.experts} experts in ${routing.layers} layers`}
        aria-describedby="heat-map-says"
        tabIndex={0}
        onPointerMove={(event) => point(cellAt(event, canvas.current!, routing, row))}
        onPointerLeave={() => point(undefined)}
        onClick={(event) => {
          const at = cellAt(event, canvas.current!, routing, row);
          if (at) choose(at);
        }}
        onKeyDown={(event) => {
          const next = cellFrom(event.key, cell ?? chosen, routing);
          if (next) point(next);
          else if (event.key === 'Enter' && cell) choose(cell);
          else return;
          event.preventDefault();
        }}
      />
      <p id="heat-map-says" class="heat-map-says" aria-live="polite">
        {cell ? said(cell, loads) : 'Point at a cell; click it to mark its tokens in the text.'}
      </p>
      <figcaption class="legend">
        <span>0</span>
        <span class="ramp" aria-hidden="true" />
        <span>
          {percent(highest)} of a layer’s work <small>(even: {percent(1 / routing.experts)})</small>
        </span>
        <span class="legend-item">
          <span class="frame-mark" aria-hidden="true" /> picks for the token at the cursor
        </span>
      </figcaption>
    </figure>
  );
}

function said({ layer, expert: index }: Cell, loads: readonly Float64Array[]): string {
  const load = loads[layer]!;
  const share = shareOf(load, index);
  const against = share * load.length;
  return `Layer ${layer}, expert ${index}: ${percent(share)} of the work, ${threeDigits(against)} × its even share`;
}

function shareOf(load: Float64Array, index: number): number {
  const total = load.reduce((sum, value) => sum + value, 0);
  return total === 0 ? 0 : load[index]! / total;
}

function indexOfMax(load: Float64Array): number {
  return load.indexOf(load.reduce((most, value) => Math.max(most, value), 0));
}

function drawCells(pad: Pad, loads: readonly Float64Array[], row: number, highest: number): void {
  const { context, width, height, colour } = pad;
  context.clearRect(0, 0, width, height);
  const experts = loads[0]?.length ?? 1;
  const wide = (width - labels) / experts;
  const gap = wide > 6 ? 1 : 0;
  const [base, ink] = [colour('--sunk'), colour('--heat-cool')];
  const text = colour('--ink-3');
  context.font = `11px ${colour('--font')}`;
  context.textBaseline = 'middle';
  context.textAlign = 'right';
  loads.forEach((load, layer) => {
    for (let index = 0; index < experts; index++) {
      const left = labels + index * wide;
      context.fillStyle = base;
      context.fillRect(left, layer * row, wide - gap, row - 1);
      context.globalAlpha = highest === 0 ? 0 : shareOf(load, index) / highest;
      context.fillStyle = ink;
      context.fillRect(left, layer * row, wide - gap, row - 1);
      context.globalAlpha = 1;
    }
    const every = row >= 12 ? 1 : 4;
    context.fillStyle = text;
    if (layer % every === 0) context.fillText(String(layer), labels - 6, layer * row + row / 2);
  });
  context.textAlign = 'center';
  const every = Math.ceil(28 / wide / 4) * 4;
  for (let index = 0; index < experts; index += wide > 18 ? 1 : every) {
    context.fillText(String(index), labels + (index + 0.5) * wide, loads.length * row + axis / 2);
  }
}

function drawPicks(pad: Pad, routing: Routing, position: number, row: number): void {
  routing.chosen.forEach((tokens, layer) => {
    for (const index of tokens[position] ?? []) frame(pad, routing, { layer, expert: index }, row, '--heat', 1.5);
  });
}

function frame(pad: Pad, routing: Routing, cell: Cell, row: number, colour: string, thick: number): void {
  const { context, width } = pad;
  const wide = (width - labels) / routing.experts;
  context.strokeStyle = pad.colour(colour);
  context.lineWidth = thick;
  const inset = thick / 2;
  const [left, top] = [labels + cell.expert * wide + inset, cell.layer * row + inset];
  context.strokeRect(left, top, Math.max(1, wide - 1 - thick), row - 1 - thick);
}

function cellAt(event: MouseEvent, canvas: HTMLCanvasElement, routing: Routing, row: number): Cell | undefined {
  const { left, top, width } = canvas.getBoundingClientRect();
  const index = Math.floor(((event.clientX - left - labels) / (width - labels)) * routing.experts);
  const layer = Math.floor((event.clientY - top) / row);
  const inside = index >= 0 && index < routing.experts && layer >= 0 && layer < routing.layers;
  return inside ? { layer, expert: index } : undefined;
}

function cellFrom(key: string, from: Cell | undefined, routing: Routing): Cell | undefined {
  const steps: Readonly<Record<string, readonly [number, number]>> = {
    ArrowUp: [-1, 0],
    ArrowDown: [1, 0],
    ArrowLeft: [0, -1],
    ArrowRight: [0, 1],
  };
  const by = steps[key];
  if (!by) return undefined;
  if (!from) return { layer: 0, expert: 0 };
  const layer = Math.max(0, Math.min(routing.layers - 1, from.layer + by[0]));
  return { layer, expert: Math.max(0, Math.min(routing.experts - 1, from.expert + by[1])) };
}
