import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { clock, count, duration } from '../charts/format.ts';
import { save } from '../charts/save.ts';
import type { StatsSample } from '../net/types.ts';
import { DownloadIcon, WarnIcon } from '../shell/icons.tsx';
import { Charts } from './charts.tsx';
import '../charts/segments.css';
import './dashboard.css';
import { Feed } from './feed.ts';
import { isIdle, lastBusy, statsCsv } from './measures.ts';
import { ranges } from './ranges.ts';
import { StatsTable } from './table.tsx';
import { Tiles } from './tiles.tsx';

/** What is shown while the page is paused; the feed goes on. */
const held = signal<Shown | undefined>(undefined);

interface Shown {
  readonly samples: readonly StatsSample[];
  readonly latest: StatsSample | undefined;
}

/** What the server does, as it does it. */
export default function Dashboard() {
  const feed = useMemo(() => new Feed(), []);
  useEffect(() => {
    feed.start();
    return () => {
      feed.stop();
      held.value = undefined;
    };
  }, [feed]);
  const { samples, latest } = held.value ?? { samples: feed.samples.value, latest: feed.latest.value };
  const range = feed.range.value;
  const to = Math.max(latest?.at ?? 0, samples.at(-1)?.at ?? 0) || Date.now();
  return (
    <div class="page dashboard">
      <header class="dashboard-head">
        <div>
          <h1>Dashboard</h1>
          <State feed={feed} latest={latest} samples={samples} />
        </div>
        <Controls feed={feed} samples={samples} latest={latest} />
      </header>
      {feed.problem.value && (
        <div class="notice bad" role="alert">
          <WarnIcon />
          <div>
            <p>{feed.problem.value.message}</p>
            <p>{feed.problem.value.next}</p>
          </div>
        </div>
      )}
      <Tiles latest={latest} samples={samples} range={range} />
      <Charts samples={samples} range={range} from={to - range.spanMs} to={to} />
      <p class="chart-note">
        Lines are means; where there are more samples than places, pale bands go from the lowest to the highest.
      </p>
      <StatsTable samples={samples} />
    </div>
  );
}

function State({ feed, latest, samples }: { readonly feed: Feed } & Shown) {
  const connection = feed.connection.value;
  const text =
    connection === 'lost' ? 'Not connected; trying again' : connection === 'connecting' ? 'Connecting…' : undefined;
  if (text || !latest) return <p class={`state ${connection}`}>{text ?? 'Connecting…'}</p>;
  if (held.value) return <p class="state paused">Paused at {clock(latest.at)}; the numbers are collected on</p>;
  if (!isIdle(latest)) {
    const waiting = latest.waiting > 0 ? `, ${latest.waiting} waiting` : '';
    return (
      <p class="state live">
        Live: {latest.running === 0 ? 'between two turns' : `${count(latest.running, 'turn')} running`}
        {waiting}
      </p>
    );
  }
  const busy = lastBusy(samples);
  const since =
    busy === undefined
      ? `no request in the last ${feed.range.value.name}`
      : `last busy ${duration(latest.at - busy)} ago`;
  return <p class="state idle">Idle: {since}</p>;
}

function Controls({ feed, samples, latest }: { readonly feed: Feed } & Shown) {
  const name = `ossia-stats-${feed.range.value.name.replace(' ', '')}`;
  return (
    <div class="dashboard-controls">
      <fieldset class="segments">
        <legend class="said-only">Time range</legend>
        {ranges.map((each) => (
          <label key={each.name}>
            <input
              type="radio"
              name="range"
              checked={feed.range.value.name === each.name}
              onChange={() => {
                held.value = undefined;
                feed.show(each);
              }}
            />
            <span>{each.name}</span>
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        class="button"
        aria-pressed={held.value !== undefined}
        onClick={() => {
          held.value = held.value ? undefined : { samples, latest };
        }}
      >
        {held.value ? 'Go on' : 'Pause'}
      </button>
      <button type="button" class="button" onClick={() => save(`${name}.csv`, 'text/csv', statsCsv(samples))}>
        <DownloadIcon size={16} /> CSV
      </button>
      <button
        type="button"
        class="button"
        onClick={() => save(`${name}.json`, 'application/json', `${JSON.stringify(samples, null, 1)}\n`)}
      >
        <DownloadIcon size={16} /> JSON
      </button>
    </div>
  );
}
