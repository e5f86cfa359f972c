import { useEffect, useState } from 'preact/hooks';
import { RetryIcon } from '../shell/icons.tsx';
import { newId } from '../state/new-id.ts';
import type { TurnRecord } from '../state/turns.ts';
import { runAndKeep, running } from './run-form.tsx';
import { openTurn, otherId } from './state.ts';
import { replayBody } from './trace.ts';

/** The same turn once more, with its seed or another, laid beside it. */
export function Replay({ record }: { readonly record: TurnRecord }) {
  const [seed, setSeed] = useState('');
  useEffect(() => setSeed(String(record.end?.seed ?? '')), [record]);
  const replay = async () => {
    const body = replayBody(record, `replay-${newId()}`, seed === '' ? undefined : Number(seed));
    const again = await runAndKeep(body);
    if (!again) return;
    openTurn(record.id); // the newest would be shown otherwise
    otherId.value = again.id;
  };
  return (
    <form
      class="replay"
      onSubmit={(event) => {
        event.preventDefault();
        void replay();
      }}
    >
      <label>
        <span>Seed</span>
        <input
          class="field number"
          type="number"
          min={0}
          step={1}
          value={seed}
          onInput={(event) => setSeed(event.currentTarget.value)}
        />
      </label>
      <button type="submit" class="button main" disabled={running.value !== undefined}>
        <RetryIcon size={16} /> Run it again
      </button>
      <p class="quiet small">
        The same prompt, options and seed give the same tokens, whatever else the server does. Another seed shows how
        firm the answer is.
      </p>
    </form>
  );
}

/** The seed makes up for what was not told. */
export function Untraced({ record }: { readonly record: TurnRecord }) {
  const trace = async () => {
    const again = await runAndKeep(replayBody(record, `replay-${newId()}`));
    if (again) openTurn(again.id);
  };
  return (
    <div class="notice note">
      <span>
        The tokens of “{record.question || record.title}” were not told when it was answered. With its seed it can be
        answered again, the same.
      </span>
      <button type="button" class="button main" disabled={running.value !== undefined} onClick={() => void trace()}>
        Run it again, traced
      </button>
    </div>
  );
}
