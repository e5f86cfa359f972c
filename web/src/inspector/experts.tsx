import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { percent } from '../charts/format.ts';
import { Scroll } from '../charts/scroll.tsx';
import type { Routing } from '../net/types.ts';
import type { TracedStep } from '../state/turns.ts';
import { type Balance, balance, type Counting, loads } from './balance.ts';
import { HeatMap } from './heat-map.tsx';
import { Problem } from './problem.tsx';
import { routingLimit } from './run.ts';
import { computeRouting, expert, routingState } from './state.ts';
import { lengthOf } from './trace.ts';

type Part = 'all' | 'prompt' | 'output';
const counting = signal<Counting>('picks');
const part = signal<Part>('all');

/** Computed without being asked up to this length. */
const quickTokens = 768;

/** Which experts did the work of the turn, and how evenly. */
export function Experts({ model, step }: { readonly model: string; readonly step: TracedStep }) {
  const state = routingState(step);
  const isQuick = lengthOf(step) <= quickTokens;
  useEffect(() => {
    if (isQuick && !routingState(step)) void computeRouting(model, step);
  }, [step]);
  if (!state) return <Ask model={model} step={step} />;
  if (state.status === 'computing')
    return (
      <p class="quiet" role="status">
        Computing the turn once more…
      </p>
    );
  if (state.status === 'failed') {
    return <Problem error={state.error} retry={() => void computeRouting(model, step)} />;
  }
  return <Loads routing={state.routing} step={step} />;
}

function Ask({ model, step }: { readonly model: string; readonly step: TracedStep }) {
  return (
    <div class="ask">
      <p class="quiet">
        The experts of {Math.min(routingLimit, lengthOf(step)).toLocaleString('en')} tokens are found by computing them
        once more.
      </p>
      <button type="button" class="button main" onClick={() => void computeRouting(model, step)}>
        Compute
      </button>
    </div>
  );
}

function Loads({ routing, step }: { readonly routing: Routing; readonly step: TracedStep }) {
  const [from, to] = rangeOf(part.value, step);
  const table = useMemo(() => loads(routing, counting.value, from, to), [routing, counting.value, from, to]);
  const measures = useMemo(() => table.map((load) => balance(load)), [table]);
  const computed = routing.chosen[0]?.length ?? 0;
  return (
    <div class="experts">
      <div class="controls">
        <label>
          Tokens{' '}
          <select
            class="field slim"
            value={part.value}
            onChange={(event) => (part.value = event.currentTarget.value as Part)}
          >
            <option value="all">prompt and output</option>
            <option value="output">output</option>
            <option value="prompt">prompt</option>
          </select>
        </label>
        <label>
          A pick counts{' '}
          <select
            class="field slim"
            value={counting.value}
            onChange={(event) => (counting.value = event.currentTarget.value as Counting)}
          >
            <option value="picks">one</option>
            <option value="weights">its weight</option>
          </select>
        </label>
      </div>
      {computed < lengthOf(step) && (
        <p class="quiet small">
          Of the first {computed.toLocaleString('en')} tokens: the server computes no more at once.
        </p>
      )}
      <HeatMap routing={routing} loads={table} />
      {expert.value && <Chosen routing={routing} />}
      <BalanceTable measures={measures} experts={routing.experts} />
      <LoadTable loads={table} />
    </div>
  );
}

function rangeOf(which: Part, step: TracedStep): readonly [number, number] {
  if (which === 'prompt') return [0, step.prompt.length];
  return [which === 'output' ? step.prompt.length : 0, lengthOf(step)];
}

function Chosen({ routing }: { readonly routing: Routing }) {
  const { layer, expert: index } = expert.value!;
  const tokens = (routing.chosen[layer] ?? []).filter((picks) => picks.includes(index)).length;
  const all = routing.chosen[layer]?.length ?? 0;
  return (
    <p class="chosen-expert" role="status">
      <span>
        <strong>
          Layer {layer}, expert {index}
        </strong>
        : picked for {tokens} of {all} tokens; they are marked in the text.
      </span>
      <button type="button" class="button quiet" onClick={() => (expert.value = undefined)}>
        Unmark
      </button>
    </p>
  );
}

function BalanceTable({ measures, experts }: { readonly measures: readonly Balance[]; readonly experts: number }) {
  return (
    <section>
      <h2>Balance by layer</h2>
      <Scroll label="Balance by layer" class="tall">
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Layer</th>
              <th scope="col">Evenness</th>
              <th scope="col">Like</th>
              <th scope="col">Busiest</th>
              <th scope="col">Gini</th>
              <th scope="col">Idle</th>
            </tr>
          </thead>
          <tbody>
            {measures.map((each, layer) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                <td>{percent(each.evenness)}</td>
                <td>{each.effective.toFixed(1)}</td>
                <td>
                  {percent(each.maxShare)} <small>#{each.busiest}</small>
                </td>
                <td>{each.gini.toFixed(2)}</td>
                <td>{each.unused}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <details class="explain">
        <summary>What these say</summary>
        <p>
          <b>Evenness</b>: entropy of the experts’ shares against that of {experts} equal ones; 100 % is the same work
          for all. <b>Like</b>: so many equally busy experts would be as uneven. <b>Busiest</b>: the share of the one
          that does most; even would be {percent(1 / experts)}. <b>Gini</b>: 0 all alike, near 1 one does everything.{' '}
          <b>Idle</b>: picked by no token. Few tokens are uneven by chance alone: {experts} experts take some hundreds
          of tokens to tell.
        </p>
      </details>
    </section>
  );
}

/** The heat-map as numbers, for those who do not see it. */
function LoadTable({ loads: table }: { readonly loads: readonly Float64Array[] }) {
  return (
    <details class="explain">
      <summary>The map as a table</summary>
      <Scroll label="Load of each expert" class="tall">
        <table class="numbers">
          <thead>
            <tr>
              <th scope="col">Layer</th>
              {Array.from(table[0] ?? [], (_, index) => (
                <th scope="col" key={index}>
                  {index}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.map((load, layer) => (
              <tr key={layer}>
                <th scope="row">{layer}</th>
                {Array.from(load, (value, index) => (
                  <td key={index}>{Number.isInteger(value) ? value : value.toFixed(1)}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}
