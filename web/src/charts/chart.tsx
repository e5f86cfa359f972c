import { type Signal, signal } from '@preact/signals';
import { useId, useMemo, useRef } from 'preact/hooks';
import { useWidth } from './canvas.tsx';
import './charts.css';
import { clock } from './format.ts';
import { condense, nearest, type Point, strokes, summarize } from './series.ts';
import { niceTicks, timeTicks } from './ticks.ts';

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  /** 1 to 4: its hue and its dashes. */
  readonly look: 1 | 2 | 3 | 4;
  readonly filled?: boolean;
}

export interface ChartProps {
  readonly title: string;
  readonly series: readonly Series[];
  /** Unix ms. */
  readonly from: number;
  readonly to: number;
  /** Samples further apart than this are not joined, ms. */
  readonly reach: number;
  readonly format: (value: number) => string;
  readonly ticks?: (highest: number) => readonly number[];
  /** A line that values are measured against: what there is in all. */
  readonly limit?: { readonly name: string; readonly value: number };
  /** Said where there is nothing to draw. */
  readonly nothing: string;
}

/** A moment under the pointer: all charts of a page show their values at it. */
export const moment: Signal<number | undefined> = signal(undefined);

const tall = 132;
const left = 58;
const right = 4;
const top = 8;
const foot = 20;

/** Values over time as lines, with the same in numbers below: at the moment under the pointer, or now, on average and at most. */
export function Chart(props: ChartProps) {
  const { title, series, from, to, format, limit } = props;
  const figure = useRef<HTMLElement>(null);
  const width = useWidth(figure);
  const id = useId();
  const inside = useMemo(
    () => series.map((each) => ({ ...each, points: each.points.filter(({ at }) => at >= from && at <= to) })),
    [series, from, to],
  );
  const isEmpty = inside.every(({ points }) => points.every(({ value }) => value === null));
  return (
    <figure ref={figure} class="chart card" aria-labelledby={id}>
      <figcaption id={id}>{title}</figcaption>
      {width > 0 && <Plot {...props} series={inside} width={width + 12} isEmpty={isEmpty} />}
      <ul class="chart-numbers">
        {inside.map((each) => (
          <Numbers key={each.name} series={each} format={format} />
        ))}
        {limit && (
          <li>
            <Swatch look="limit" />
            <span>{limit.name}</span>
            <span class="number">{format(limit.value)}</span>
          </li>
        )}
      </ul>
    </figure>
  );
}

function Numbers({ series, format }: { readonly series: Series; readonly format: (value: number) => string }) {
  const { last, mean, highest } = useMemo(() => summarize(series.points), [series.points]);
  const at = moment.value;
  const there = at === undefined ? undefined : nearest(series.points, at);
  return (
    <li>
      <Swatch look={series.look} />
      <span>{series.name}</span>
      {there ? (
        <span class="number">
          <b>{there.value === null ? '–' : format(there.value)}</b> at {clock(there.at)}
        </span>
      ) : last === null || mean === null || highest === null ? (
        <span class="number">–</span>
      ) : (
        <span class="number">
          <b>{format(last)}</b> <small>mean</small> {format(mean)} <small>most</small> {format(highest)}
        </span>
      )}
    </li>
  );
}

function Swatch({ look }: { readonly look: Series['look'] | 'limit' }) {
  return (
    <svg class="swatch" width="18" height="8" aria-hidden="true">
      <path class={`line look-${look}`} d="M0 4H18" />
    </svg>
  );
}

interface PlotProps extends ChartProps {
  readonly width: number;
  readonly isEmpty: boolean;
}

function Plot({ series, from, to, reach, format, ticks = niceTicks, limit, nothing, width, isEmpty }: PlotProps) {
  const highest = Math.max(
    limit?.value ?? 0,
    ...series.map(({ points }) => points.reduce((most, { value }) => Math.max(most, value ?? 0), 0)),
  );
  const values = ticks(highest);
  const roof = values.at(-1)!;
  const room = { width: Math.max(1, width - left - right), height: tall - top - foot };
  const x = (at: number) => left + ((at - from) / (to - from)) * room.width;
  const y = (value: number) => top + room.height * (1 - value / roof);
  const times = timeTicks(from, to, Math.max(2, Math.floor(room.width / 52)), new Date(to).getTimezoneOffset());
  const at = moment.value;
  return (
    <svg
      class="plot"
      width={width}
      height={tall}
      aria-hidden="true"
      onPointerMove={(event) => {
        const { left: edge } = event.currentTarget.getBoundingClientRect();
        const share = (event.clientX - edge - left) / room.width;
        moment.value = share < 0 || share > 1 ? undefined : from + share * (to - from);
      }}
      onPointerLeave={() => {
        moment.value = undefined;
      }}
    >
      {values.map((value) => (
        <g key={value}>
          <line class="grid" x1={left} x2={width - right} y1={y(value)} y2={y(value)} />
          <text x={left - 6} y={y(value)} class="tick value">
            {format(value)}
          </text>
        </g>
      ))}
      {times.map((time) => (
        <text key={time} x={x(time)} y={tall - 4} class={`tick time ${x(time) > width - 24 ? 'last' : ''}`}>
          {clock(time, time % 60_000 !== 0)}
        </text>
      ))}
      {limit && <line class="line look-limit" x1={left} x2={width - right} y1={y(limit.value)} y2={y(limit.value)} />}
      {series.map((each) => (
        <Line key={each.name} series={each} x={x} y={y} from={from} to={to} reach={reach} columns={room.width / 2} />
      ))}
      {at !== undefined && <line class="moment" x1={x(at)} x2={x(at)} y1={top} y2={tall - foot} />}
      {isEmpty && (
        <text x={left + room.width / 2} y={top + room.height / 2} class="nothing">
          {nothing}
        </text>
      )}
    </svg>
  );
}

interface LineProps {
  readonly series: Series;
  readonly x: (at: number) => number;
  readonly y: (value: number) => number;
  readonly from: number;
  readonly to: number;
  readonly reach: number;
  readonly columns: number;
}

/** The mean of each column as a line; where points are closer than that, how far they go as a band. */
function Line({ series, x, y, from, to, reach, columns }: LineProps) {
  const runs = strokes(series.points, reach).map((run) => condense(run, from, to, Math.max(1, Math.floor(columns))));
  const place = (at: number, value: number) => `${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
  return runs.map((run) => {
    const [first, last] = [run[0], run.at(-1)];
    if (!first || !last) return null;
    if (run.length === 1) {
      return <circle key={first.at} class={`dot look-${series.look}`} cx={x(first.at)} cy={y(first.value)} r={2} />;
    }
    const line = run.map(({ at, value }) => place(at, value)).join('L');
    const isBand = run.some(({ low, high }) => low < high);
    const lower = run.toReversed().map(({ at, low }) => place(at, low));
    const band = [...run.map(({ at, high }) => place(at, high)), ...lower].join('L');
    return (
      <g key={first.at}>
        {isBand && <path class={`spread look-${series.look}`} d={`M${band}Z`} />}
        {series.filled && (
          <path class={`area look-${series.look}`} d={`M${line}L${place(last.at, 0)}L${place(first.at, 0)}Z`} />
        )}
        <path class={`line look-${series.look}`} d={`M${line}`} />
      </g>
    );
  });
}
