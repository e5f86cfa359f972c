import { bytes, clock, duration, percent, threeDigits } from '../charts/format.ts';
import { Scroll } from '../charts/scroll.tsx';
import type { StatsSample } from '../net/types.ts';

const rows = 12;

/** The charts in words: some moments of them, newest first. */
export function StatsTable({ samples }: { readonly samples: readonly StatsSample[] }) {
  const every = Math.max(1, Math.floor(samples.length / rows));
  const chosen = samples
    .toReversed()
    .filter((_, index) => index % every === 0)
    .slice(0, rows);
  return (
    <details class="as-table">
      <summary>As a table</summary>
      <Scroll label="Numbers of the server">
        <table>
          <thead>
            <tr>
              {[
                'Time',
                'Output/s',
                'Prompt/s',
                'Running',
                'Waiting',
                'First token',
                'Between',
                'Cached',
                'KV',
                'Resident',
              ].map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {chosen.map((sample) => (
              <tr key={sample.at}>
                <th scope="row">{clock(sample.at)}</th>
                <td>{threeDigits(sample.outputTokensPerSecond)}</td>
                <td>{threeDigits(sample.promptTokensPerSecond)}</td>
                <td>{sample.running}</td>
                <td>{sample.waiting}</td>
                <td>{sample.firstTokenMs ? duration(sample.firstTokenMs.p50) : '–'}</td>
                <td>{sample.tokenGapMs ? duration(sample.tokenGapMs.p50) : '–'}</td>
                <td>{sample.cacheHitRate === null ? '–' : percent(sample.cacheHitRate)}</td>
                <td>{bytes(sample.kvBytesUsed)}</td>
                <td>{bytes(sample.residentBytes)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}
