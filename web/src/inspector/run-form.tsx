import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { json } from '../net/api.ts';
import type { ConsoleError, ModelList, ToolCall, TurnBody, TurnOptions } from '../net/types.ts';
import { newId } from '../state/new-id.ts';
import { addTurn, type TurnRecord } from '../state/turns.ts';
import { Problem } from './problem.tsx';
import { runTraced, stopTurn } from './run.ts';
import { openTurn, plain } from './state.ts';

interface Running {
  readonly tokens: number;
  /** The server's; absent until it has begun. */
  readonly id?: string;
  readonly abort: AbortController;
  readonly waits?: { readonly call: ToolCall; readonly answer: (allowed: boolean) => void };
}

export const running = signal<Running | undefined>(undefined);
const problem = signal<ConsoleError | undefined>(undefined);

/** Runs a turn with every token told and keeps it. One at a time; undefined when it was stopped or failed. */
export async function runAndKeep(body: TurnBody): Promise<TurnRecord | undefined> {
  if (running.value) return undefined;
  const abort = new AbortController();
  running.value = { tokens: 0, abort };
  problem.value = undefined;
  try {
    const record = await runTraced(body, {
      signal: abort.signal,
      begun: (id) => {
        running.value = { ...running.value!, id };
      },
      progress: (tokens) => {
        running.value = { ...running.value!, tokens };
      },
      approve: (call) =>
        new Promise((resolve) => {
          const answer = (allowed: boolean) => {
            const { waits: _, ...others } = running.value!;
            running.value = others;
            resolve(allowed);
          };
          running.value = { ...running.value!, waits: { call, answer } };
        }),
    });
    problem.value = record.error;
    if (record.steps.length > 0) addTurn(record);
    return record.steps.length > 0 ? record : undefined;
  } catch (cause) {
    if (!abort.signal.aborted) problem.value = plain(cause);
    return undefined;
  } finally {
    running.value = undefined;
  }
}

/** A prompt of one's own, traced. */
export function RunForm({ onDone }: { readonly onDone: () => void }) {
  const [models, setModels] = useState<readonly string[]>([]);
  useEffect(() => {
    json<ModelList>('ossia/models').then(
      (list) => setModels(list.models.map(({ name }) => name)),
      () => undefined, // then the server's default it is
    );
  }, []);
  const submit = async (event: Event) => {
    event.preventDefault();
    const body = bodyOf(new FormData(event.currentTarget as HTMLFormElement));
    const record = await runAndKeep(body);
    if (!record) return;
    openTurn(record.id);
    onDone();
  };
  return (
    <form class="run-form card" onSubmit={(event) => void submit(event)}>
      <label class="wide">
        <span>Prompt</span>
        <textarea
          class="field"
          name="prompt"
          rows={3}
          required
          placeholder="Ask something; every token will be told."
        />
      </label>
      <label>
        <span>Model</span>
        <select class="field" name="model">
          <option value="">the server’s</option>
          {models.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        <span>Effort</span>
        <select class="field" name="effort" defaultValue="medium">
          <option>low</option>
          <option selected>medium</option>
          <option>high</option>
        </select>
      </label>
      <NumberField name="temperature" label="Temperature" min={0} max={2} step={0.1} hint="1" />
      <NumberField name="seed" label="Seed" min={0} max={4_294_967_295} step={1} hint="drawn" />
      <NumberField name="maxTokens" label="Tokens at most" min={1} max={131_072} step={1} hint="512" />
      <div class="run-end">
        <button type="submit" class="button main" disabled={running.value !== undefined}>
          Run traced
        </button>
      </div>
    </form>
  );
}

interface NumberFieldProps {
  readonly name: string;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly hint: string;
}

function NumberField({ name, label, min, max, step, hint }: NumberFieldProps) {
  return (
    <label>
      <span>{label}</span>
      <input class="field" type="number" name={name} min={min} max={max} step={step} placeholder={hint} />
    </label>
  );
}

function bodyOf(form: FormData): TurnBody {
  const text = (name: string) => String(form.get(name) ?? '').trim();
  const number = (name: string) => (text(name) === '' ? undefined : Number(text(name)));
  const [temperature, seed] = [number('temperature'), number('seed')];
  const options: TurnOptions = {
    effort: text('effort') as NonNullable<TurnOptions['effort']>,
    maxTokens: number('maxTokens') ?? 512,
    ...(temperature === undefined ? {} : { temperature }),
    ...(seed === undefined ? {} : { seed }),
  };
  return {
    ...(text('model') === '' ? {} : { model: text('model') }),
    messages: [{ role: 'user', content: text('prompt') }],
    conversation: `inspector-${newId()}`,
    options,
    trace: true,
  };
}

/** What has been told stays; a server that does not hear is left. */
async function stop({ id, abort }: Running): Promise<void> {
  if (id === undefined) return abort.abort();
  await stopTurn(id).catch(() => abort.abort());
}

/** What runs now, or why it does not. */
export function RunStatus() {
  const now = running.value;
  if (!now) return problem.value ? <Problem error={problem.value} /> : null;
  return (
    <div class="notice run-status" role="status">
      <span class="pulse" aria-hidden="true" />
      {now.waits ? (
        <>
          <span>
            The call of <code>{now.waits.call.name}</code> waits for you:{' '}
            <code class="wrap">{now.waits.call.arguments}</code>
          </span>
          <button type="button" class="button" onClick={() => now.waits?.answer(true)}>
            Allow
          </button>
          <button type="button" class="button" onClick={() => now.waits?.answer(false)}>
            Refuse
          </button>
        </>
      ) : (
        <span>{now.tokens === 0 ? 'Reading the prompt…' : `Token ${now.tokens}`}</span>
      )}
      <button type="button" class="button quiet" onClick={() => void stop(now)}>
        Stop
      </button>
    </div>
  );
}
