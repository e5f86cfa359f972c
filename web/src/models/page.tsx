import { useEffect, useState } from 'preact/hooks';
import { WarnIcon } from '../shell/icons.tsx';
import { Machine } from './machine.tsx';
import { ModelCard } from './model-card.tsx';
import './models.css';
import { Pulls } from './pulls.tsx';
import { list, problem, watch } from './state.ts';

/** What is here, what this machine can do with it, and what else can be had. */
export default function Models() {
  const now = useNow();
  useEffect(() => {
    const stop = new AbortController();
    watch(stop.signal);
    return () => stop.abort();
  }, []);
  const found = list.value;
  return (
    <div class="page models">
      <h1>Models</h1>
      {problem.value && (
        <div class="notice bad" role="alert">
          <WarnIcon />
          <div>
            <p>{problem.value.message}</p>
            <p>{problem.value.next}</p>
          </div>
        </div>
      )}
      {found ? (
        <>
          <Machine machine={found.machine} models={found.models} />
          <section aria-labelledby="here-title">
            <h2 id="here-title">Here</h2>
            <ul class="model-list">
              {found.models.map((model) => (
                <ModelCard key={model.name} model={model} machine={found.machine} now={now} />
              ))}
            </ul>
          </section>
          <Pulls list={found} />
        </>
      ) : (
        !problem.value && <p class="quiet">Looking…</p>
      )}
    </div>
  );
}

/** Unix ms, every second: countdowns go by it. */
function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
