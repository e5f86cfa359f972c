import { percent } from '../charts/format.ts';
import { loadOverlap, loads, pickOverlap } from './balance.ts';
import { type Comparison, sharedPairs } from './compare.ts';
import type { SidesProps } from './compare-view.tsx';
import { Bar } from './detail.tsx';
import { computeRouting, routingState } from './state.ts';

interface OverlapProps extends SidesProps {
  readonly found: Comparison;
}

/** How far both turns use the same experts. */
export function Overlap({ mine, yours, step, theirs, found }: OverlapProps) {
  const [a, b] = [routingState(step), routingState(theirs)];
  const compute = async () => {
    await computeRouting(mine.model, step);
    await computeRouting(yours.model, theirs);
  };
  if (a?.status !== 'done' || b?.status !== 'done') {
    const busy = a?.status === 'computing' || b?.status === 'computing';
    const failed = [a, b].find((state) => state?.status === 'failed');
    return (
      <section class="overlap">
        <h2>Experts in common</h2>
        {failed?.status === 'failed' && <p class="notice bad">{failed.error.message}</p>}
        <button type="button" class="button" disabled={busy} onClick={() => void compute()}>
          {busy ? 'Computing both turns…' : 'Compute the experts of both turns'}
        </button>
      </section>
    );
  }
  const same = a.routing.layers === b.routing.layers && a.routing.experts === b.routing.experts;
  if (!same) return <p class="quiet">The turns are of models of other shapes: their experts cannot be compared.</p>;
  const byLoad = loadOverlap(
    loads(a.routing, 'picks', step.prompt.length),
    loads(b.routing, 'picks', theirs.prompt.length),
  );
  const pairs = sharedPairs(found).map(([x, y]) => [x + step.prompt.length, y + theirs.prompt.length] as const);
  const byPick = pickOverlap(a.routing, b.routing, pairs);
  return (
    <section class="overlap">
      <h2>Experts in common</h2>
      <table class="numbers">
        <thead>
          <tr>
            <th scope="col">Layer</th>
            <th scope="col">Same work</th>
            <th scope="col">
              <span class="said-only">Same work, as a bar</span>
            </th>
            <th scope="col">Same picks for the tokens that both have</th>
          </tr>
        </thead>
        <tbody>
          {byLoad.map((share, layer) => (
            <tr key={layer}>
              <th scope="row">{layer}</th>
              <td>{percent(share)}</td>
              <td class="bar-cell">
                <Bar share={share} />
              </td>
              <td>{byPick[layer] == null ? '–' : percent(byPick[layer]!)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet small">
        Same work: the part of the outputs’ load that falls on the same experts. Same picks: after the turns part, the
        same token is read in another context, and other experts may read it.
      </p>
    </section>
  );
}
