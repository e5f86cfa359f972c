import { bytes, duration, grouped, percent, threeDigits } from '../charts/format.ts';
import type { StatsSample } from '../net/types.ts';
import { lastLatency, meanHitRate, totalOf } from './measures.ts';
import type { Range } from './ranges.ts';

export interface TilesProps {
  readonly latest: StatsSample | undefined;
  readonly samples: readonly StatsSample[];
  readonly range: Range;
}

/** The numbers that one looks at first. */
export function Tiles({ latest, samples, range }: TilesProps) {
  const first = lastLatency(samples, 'firstTokenMs');
  const gap = lastLatency(samples, 'tokenGapMs');
  const hits = meanHitRate(samples);
  const errors = totalOf(samples, ({ errorsPerSecond }) => errorsPerSecond, range.step);
  const requests = totalOf(samples, ({ requestsPerSecond }) => requestsPerSecond, range.step);
  const most = Math.max(0, ...samples.map(({ outputTokensPerSecond }) => outputTokensPerSecond));
  const span = `in ${range.name}`;
  return (
    <dl class="tiles">
      <Tile
        name="Output"
        value={latest && threeDigits(latest.outputTokensPerSecond)}
        unit="tokens/s"
        more={`most ${threeDigits(most)} ${span}`}
      />
      <Tile
        name="Prompt"
        value={latest && threeDigits(latest.promptTokensPerSecond)}
        unit="tokens/s"
        more="computed, without cached ones"
      />
      <Tile
        name="Running"
        value={latest && String(latest.running)}
        unit={latest ? `+ ${latest.waiting} waiting` : ''}
        more={`batch of ${latest ? threeDigits(latest.batchSize) : '–'}`}
      />
      <Tile
        name="First token"
        value={first && duration(first.p50)}
        unit={first ? 'median' : ''}
        more={first ? `95 %: ${duration(first.p95)}` : `no request ${span}`}
      />
      <Tile
        name="Between tokens"
        value={gap && duration(gap.p50)}
        unit={gap ? 'median' : ''}
        more={gap ? `95 %: ${duration(gap.p95)}` : `no request ${span}`}
      />
      <Tile
        name="From the cache"
        value={hits === null ? null : percent(hits)}
        unit=""
        more={`of prompt tokens ${span}`}
      />
      <Tile
        name="KV cache"
        value={latest && bytes(latest.kvBytesUsed)}
        unit={latest ? `of ${bytes(latest.kvBytesCapacity)}` : ''}
        more={latest ? `${bytes(latest.residentBytes)} resident in all` : ''}
      />
      <Tile
        name="Errors"
        value={latest && grouped(errors)}
        unit=""
        more={`of ${grouped(requests)} requests ${span}`}
        bad={errors > 0}
      />
    </dl>
  );
}

interface TileProps {
  readonly name: string;
  /** Null or absent: there was nothing to measure. */
  readonly value: string | null | undefined;
  readonly unit: string;
  readonly more: string;
  readonly bad?: boolean;
}

function Tile({ name, value, unit, more, bad = false }: TileProps) {
  return (
    <div class={`tile card ${bad ? 'bad' : ''}`}>
      <dt>{name}</dt>
      <dd>
        <span class="big number">{value ?? '–'}</span> <span class="unit">{unit}</span>
        <span class="more">{more}</span>
      </dd>
    </div>
  );
}
