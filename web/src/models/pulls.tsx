import { useState } from 'preact/hooks';
import { bytes, duration, percent } from '../charts/format.ts';
import type { MachineFacts, ModelList, PullState } from '../net/types.ts';
import { CheckIcon, CloseIcon, DownloadIcon, WarnIcon } from '../shell/icons.tsx';
import { hasPlace, timeLeft } from './memory.ts';
import { problemOf } from './names.ts';
import { cancelPull, dismiss, dismissed, plain, pull } from './state.ts';

/** Models that can be had, and those on their way. */
export function Pulls({ list }: { readonly list: ModelList }) {
  const shown = list.pulls.filter(({ name, status }) => status === 'running' || !dismissed.value.has(name));
  const running = new Set(list.pulls.flatMap(({ name, status }) => (status === 'running' ? [name] : [])));
  return (
    <section class="pulls" aria-labelledby="pulls-title">
      <h2 id="pulls-title">Get a model</h2>
      <PullForm />
      {shown.length > 0 && (
        <ul class="pull-list" aria-label="Downloads">
          {shown.map((each) => (
            <Pull key={each.name} pull={each} />
          ))}
        </ul>
      )}
      {list.known.length > 0 && (
        <ul class="known" aria-label="Models that can be had">
          {list.known.map((each) => (
            <Known key={each.name} {...each} machine={list.machine} isPulled={running.has(each.name)} />
          ))}
        </ul>
      )}
    </section>
  );
}

function PullForm() {
  const [name, setName] = useState('');
  const [wrong, setWrong] = useState<string>();
  const submit = async (event: Event) => {
    event.preventDefault();
    const problem = problemOf(name);
    setWrong(problem);
    if (problem) return;
    try {
      await pull(name.trim());
      setName('');
    } catch (cause) {
      const { message, next } = plain(cause);
      setWrong(`${message}. ${next}`);
    }
  };
  return (
    <form class="pull-form" onSubmit={(event) => void submit(event)}>
      <label>
        <span class="quiet">Name</span>
        <input
          class="field"
          value={name}
          placeholder="openai/gpt-oss-20b"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-invalid={wrong !== undefined}
          aria-describedby="pull-wrong"
          onInput={(event) => {
            setName(event.currentTarget.value);
            setWrong(undefined);
          }}
        />
      </label>
      <button type="submit" class="button main">
        <DownloadIcon size={16} /> Pull
      </button>
      <p id="pull-wrong" class="wrong" role="alert">
        {wrong}
      </p>
    </form>
  );
}

interface KnownProps {
  readonly name: string;
  readonly description: string;
  readonly downloadBytes: number;
  readonly machine: MachineFacts;
  readonly isPulled: boolean;
}

function Known({ name, description, downloadBytes, machine, isPulled }: KnownProps) {
  const [wrong, setWrong] = useState<string>();
  const isCrowded = hasPlace(downloadBytes, machine) === false;
  const start = () =>
    pull(name).then(
      () => setWrong(undefined),
      (cause) => setWrong(`${plain(cause).message}. ${plain(cause).next}`),
    );
  return (
    <li class="card known-model">
      <div>
        <h3>{name}</h3>
        <p class="quiet">
          {description} · {bytes(downloadBytes)} to download
        </p>
        {isCrowded && <p class="wrong">The disk has {bytes(machine.freeDiskBytes ?? 0)} free: too little for it.</p>}
        {downloadBytes > machine.memoryBytes && (
          <p class="warned">
            Larger than this machine’s memory ({bytes(machine.memoryBytes)}): it would run from the disk, very slowly.
          </p>
        )}
        {wrong && (
          <p class="wrong" role="alert">
            {wrong}
          </p>
        )}
      </div>
      <button
        type="button"
        class="button"
        disabled={isPulled || isCrowded}
        aria-label={`Pull ${name}`}
        onClick={() => void start()}
      >
        <DownloadIcon size={16} /> Pull
      </button>
    </li>
  );
}

function Pull({ pull: state }: { readonly pull: PullState }) {
  const isRunning = state.status === 'running';
  return (
    <li class={`card pull-state ${state.status}`} aria-label={`Download of ${state.name}`}>
      <div class="pull-head">
        {state.status === 'done' && <CheckIcon size={16} />}
        {state.status === 'failed' && <WarnIcon size={16} />}
        <b>{state.name}</b>
        <span class="quiet" role="status">
          {words(state)}
        </span>
        {isRunning ? (
          <button
            type="button"
            class="button quiet"
            aria-label={`Cancel ${state.name}`}
            onClick={() => void cancelPull(state.name)}
          >
            Cancel
          </button>
        ) : (
          <>
            {state.status !== 'done' && (
              <button
                type="button"
                class="button"
                aria-label={`${again(state)} ${state.name}`}
                onClick={() => void pull(state.name).catch(() => undefined)}
              >
                {again(state)}
              </button>
            )}
            <button
              type="button"
              class="icon-button small"
              aria-label={`Forget ${state.name}`}
              onClick={() => dismiss(state.name)}
            >
              <CloseIcon size={16} />
            </button>
          </>
        )}
      </div>
      {isRunning && (
        <>
          <progress
            aria-label={`Download of ${state.name}`}
            {...(state.totalBytes > 0
              ? { max: state.totalBytes, value: Math.min(state.doneBytes, state.totalBytes) }
              : {})}
          />
          <p class="quiet number pull-numbers">{numbers(state)}</p>
        </>
      )}
      {state.error && (
        <p class="wrong">
          {state.error.message}. {state.error.next} <code>{state.error.code}</code>
        </p>
      )}
    </li>
  );
}

function again({ status }: PullState): string {
  return status === 'cancelled' ? 'Go on with' : 'Try again';
}

function words({ status, file }: PullState): string {
  if (status === 'running') return file ?? 'asking what there is';
  return { done: 'is here', failed: 'failed', cancelled: 'cancelled; what came is kept' }[status];
}

function numbers(state: PullState): string {
  const { doneBytes, totalBytes, bytesPerSecond } = state;
  if (totalBytes === 0) return 'Asking the hub…';
  const left = timeLeft(state);
  const speed = bytesPerSecond > 0 ? ` · ${bytes(bytesPerSecond)}/s` : '';
  const time = left === undefined ? '' : ` · ${duration(Math.ceil(left / 1000) * 1000)} left`;
  return `${bytes(doneBytes)} of ${bytes(totalBytes)}, ${percent(doneBytes / totalBytes)}${speed}${time}`;
}
