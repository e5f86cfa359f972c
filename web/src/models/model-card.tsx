import { bytes, count, duration, percent, threeDigits } from '../charts/format.ts';
import type { ConsoleModel, MachineFacts } from '../net/types.ts';
import { CheckIcon, WarnIcon } from '../shell/icons.tsx';
import { bytesPerToken, partsOf, totalOf } from './memory.ts';
import { PartsBar } from './parts-bar.tsx';
import { busy, failures, setLoaded } from './state.ts';

const origins = {
  embedded: 'comes with Ossia',
  path: 'a folder of this machine',
  hub: 'the hub’s cache',
  ollama: 'Ollama’s store',
};

export interface ModelCardProps {
  readonly model: ConsoleModel;
  readonly machine: MachineFacts;
  /** Unix ms, for what is left of a model's stay. */
  readonly now: number;
}

export function ModelCard({ model, machine, now }: ModelCardProps) {
  const failure = failures.value.get(model.name);
  const memory = model.loaded?.memory ?? model.estimate?.memory;
  return (
    <li class="model card" aria-label={model.name}>
      <header>
        <h3>{model.name}</h3>
        {model.isDefault && <span class="chip">default</span>}
        <span class={`chip ${model.loaded ? 'good' : ''}`}>{model.loaded ? 'loaded' : 'not loaded'}</span>
        <LoadButton model={model} />
      </header>
      <p class="quiet">
        {origins[model.origin]}
        {model.layout && `, ${model.layout}`}, {bytes(model.sizeBytes)}
        {model.otherNames.length > 0 && ` · also ${model.otherNames.join(', ')}`}
        {model.from && ` · from ${model.from}`}
      </p>
      {model.shape && (
        <p class="shape">
          {count(model.shape.layers, 'layer')} · {model.shape.experts} experts, {model.shape.picked} for each token ·
          context {model.shape.contextLength.toLocaleString('en')}
        </p>
      )}
      {model.loaded && <Loaded loaded={model.loaded} now={now} />}
      {model.estimate && <Estimate model={model} machine={machine} />}
      {memory && (
        <PartsBar label={`Memory of ${model.name}${model.loaded ? '' : ', once loaded'}`} parts={partsOf(memory)} />
      )}
      {failure && (
        <div class="notice bad" role="alert">
          <WarnIcon />
          <div>
            <p>{failure.message}</p>
            <p>{failure.next}</p>
          </div>
        </div>
      )}
    </li>
  );
}

function LoadButton({ model }: { readonly model: ConsoleModel }) {
  const doing = busy.value.get(model.name);
  const what = model.loaded ? 'unload' : 'load';
  const label = doing === 'load' ? 'Loading…' : doing === 'unload' ? 'Unloading…' : model.loaded ? 'Unload' : 'Load';
  return (
    <button
      type="button"
      class="button"
      disabled={doing !== undefined}
      aria-label={`${label} ${model.name}`}
      onClick={() => void setLoaded(model.name, what)}
    >
      {label}
    </button>
  );
}

function Loaded({ loaded, now }: { readonly loaded: NonNullable<ConsoleModel['loaded']>; readonly now: number }) {
  const left = loaded.expires === undefined ? undefined : Date.parse(loaded.expires) - now;
  const stay =
    loaded.leases > 0
      ? `in use by ${count(loaded.leases, 'request')}`
      : left === undefined
        ? 'stays loaded'
        : left > 0
          ? `unloads in ${duration(Math.ceil(left / 1000) * 1000)} unless it is used`
          : 'about to unload';
  return (
    <p class="shape">
      Loaded with a context of {loaded.contextLength.toLocaleString('en')}
      {loaded.backend && ` on ${loaded.backend}`} · {stay}
    </p>
  );
}

/** Whether it fits and how fast it can be, with what that is made of. */
function Estimate({ model, machine }: { readonly model: ConsoleModel; readonly machine: MachineFacts }) {
  const { fits, memory, decodeTokensPerSecond: speed } = model.estimate!;
  const need = totalOf(memory);
  const perToken = bytesPerToken(model, machine);
  return (
    <div class={`estimate ${fits ? 'fits' : 'tight'}`}>
      {fits ? <CheckIcon size={16} /> : <WarnIcon size={16} />}
      <div>
        <p>
          <b>{fits ? 'Fits this machine' : 'Does not fit this machine'}</b>: {fits ? 'takes' : 'would take'}{' '}
          {bytes(need)}, {percent(need / machine.memoryBytes)} of its memory
          {!fits && `; ${bytes(machine.freeMemoryBytes)} are free`}.
        </p>
        {speed !== undefined && (
          <p>
            <b>
              {fits ? 'At most' : 'With enough memory at most'} {threeDigits(speed)} tokens/s
            </b>{' '}
            for one answer
            {perToken !== undefined && machine.bandwidthBytesPerSecond !== undefined && (
              <small>
                {' '}
                = {threeDigits(machine.bandwidthBytesPerSecond / 1e9)} GB/s ÷ {bytes(perToken)} read for each token:
                dense weights and the experts that it picks. Arithmetic, and a long context’s KV cache, come on top.
              </small>
            )}
          </p>
        )}
      </div>
    </div>
  );
}
