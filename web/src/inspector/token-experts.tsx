import { percent } from '../charts/format.ts';
import { Scroll } from '../charts/scroll.tsx';
import type { Routing } from '../net/types.ts';
import type { TracedStep } from '../state/turns.ts';
import { Bar } from './detail.tsx';
import { expert, routingState } from './state.ts';

/** Which experts compute a token, layer by layer; a click marks all tokens of that expert. */
export function TokenExperts({ step, position }: { readonly step: TracedStep; readonly position: number }) {
  const state = routingState(step);
  if (state?.status !== 'done') {
    return <p class="quiet small">Its experts: compute them in the tab “Experts”.</p>;
  }
  const { routing } = state;
  if (!routing.chosen[0]?.[position])
    return <p class="quiet small">Its experts were not computed: it is too far on.</p>;
  return (
    <section class="token-experts">
      <h2>
        Experts <small>that read this token, by the router’s weight</small>
      </h2>
      <Scroll label="Experts of this token">
        <table>
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {Array.from({ length: routing.picked }, (_, pick) => (
                <th scope="col" key={pick}>
                  {pick + 1}.
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {routing.chosen.map((_, layer) => (
              <LayerRow key={layer} routing={routing} layer={layer} position={position} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  );
}

interface LayerRowProps {
  readonly routing: Routing;
  readonly layer: number;
  readonly position: number;
}

function LayerRow({ routing, layer, position }: LayerRowProps) {
  const picks = routing.chosen[layer]![position]!;
  const weights = routing.weights[layer]![position]!;
  return (
    <tr>
      <th scope="row">{layer}</th>
      {picks.map((each, pick) => {
        const isChosen = expert.value?.layer === layer && expert.value.expert === each;
        return (
          <td key={pick}>
            <button
              type="button"
              class="pick"
              aria-pressed={isChosen}
              aria-label={`Layer ${layer}, expert ${each}, weight ${percent(weights[pick]!)}`}
              onClick={() => {
                expert.value = isChosen ? undefined : { layer, expert: each };
              }}
            >
              <span class="number">{each}</span>
              <Bar share={weights[pick]!} />
            </button>
          </td>
        );
      })}
    </tr>
  );
}
