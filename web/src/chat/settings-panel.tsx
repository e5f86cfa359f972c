import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { apiKey, setApiKey } from '../net/api.ts';
import { CloseIcon } from '../shell/icons.tsx';
import { current, setSettings } from '../state/conversations.ts';
import { tools } from '../state/server.ts';
import { type Settings, schemaProblem } from '../state/settings.ts';
import { ToolToggles } from './tools-menu.tsx';

export const settingsOpen = signal(false);

/** How this conversation is held; the next one begins with the same. */
export function SettingsPanel() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { settings } = current.value;
  return (
    <aside class="settings" aria-labelledby="settings-title">
      <div class="dialog-head">
        <h2 id="settings-title" ref={heading} tabIndex={-1}>
          Settings
        </h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close the settings"
          onClick={() => (settingsOpen.value = false)}
        >
          <CloseIcon />
        </button>
      </div>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <label class="row">
          <span>Instructions</span>
          <textarea
            class="field"
            rows={4}
            placeholder="What the model is told before the conversation"
            value={settings.system}
            onInput={(event) => setSettings({ system: event.currentTarget.value })}
          />
        </label>
        <Format settings={settings} />
        <fieldset>
          <legend>Sampling</legend>
          <div class="pair">
            <NumberField name="temperature" label="Temperature" min={0} max={2} step={0.1} hint="default" />
            <NumberField name="topP" label="Top-p" min={0} max={1} step={0.05} hint="default" />
            <NumberField name="minP" label="Min-p" min={0} max={1} step={0.05} hint="default" />
            <NumberField name="maxTokens" label="Most tokens" min={1} max={1_000_000} step={1} hint="no limit" />
            <NumberField name="seed" label="Seed" min={0} max={Number.MAX_SAFE_INTEGER} step={1} hint="random" />
          </div>
        </fieldset>
        {tools.value.length > 0 && (
          <fieldset>
            <legend>Tools</legend>
            <ToolToggles />
          </fieldset>
        )}
        <fieldset>
          <legend>View</legend>
          <Switch name="showThoughts" label="Thoughts are open while they come" />
          <Switch name="trace" label="Trace tokens, for the inspector" />
          <Switch name="truncate" label="Leave out the oldest messages when the context is full" />
        </fieldset>
        <label class="row">
          <span>API key</span>
          <input
            class="field"
            type="password"
            autocomplete="off"
            placeholder="Only if the server asks for one"
            value={apiKey.value}
            onChange={(event) => setApiKey(event.currentTarget.value)}
          />
          <span class="hint">Stays in this tab.</span>
        </label>
      </form>
    </aside>
  );
}

function Format({ settings }: { readonly settings: Settings }) {
  const problem = settings.format === 'schema' ? schemaProblem(settings.schema) : undefined;
  return (
    <>
      <label class="row">
        <span>Form of the answer</span>
        <select
          class="field"
          value={settings.format}
          onChange={(event) => setSettings({ format: event.currentTarget.value as Settings['format'] })}
        >
          <option value="text">Text</option>
          <option value="json">A JSON object</option>
          <option value="schema">JSON of a schema</option>
        </select>
      </label>
      {settings.format === 'schema' && (
        <label class="row">
          <span>Schema</span>
          <textarea
            class="field code-field"
            rows={7}
            spellcheck={false}
            aria-invalid={problem !== undefined}
            value={settings.schema}
            onInput={(event) => setSettings({ schema: event.currentTarget.value })}
          />
          <span class={problem ? 'hint bad-text' : 'hint'} role="status">
            {problem ? `${problem}: answers are plain text until it is one.` : 'The model cannot write anything else.'}
          </span>
        </label>
      )}
    </>
  );
}

type NumberName = 'temperature' | 'topP' | 'minP' | 'maxTokens' | 'seed';

interface NumberFieldProps {
  readonly name: NumberName;
  readonly label: string;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  /** What holds when it is empty. */
  readonly hint: string;
}

function NumberField({ name, label, min, max, step, hint }: NumberFieldProps) {
  return (
    <label class="row">
      <span>{label}</span>
      <input
        class="field number"
        type="number"
        inputMode="decimal"
        min={min}
        max={max}
        step={step}
        placeholder={hint}
        value={current.value.settings[name] ?? ''}
        onChange={(event) => {
          const value = event.currentTarget.valueAsNumber;
          setSettings({ [name]: Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : undefined });
        }}
      />
    </label>
  );
}

function Switch({ name, label }: { readonly name: 'showThoughts' | 'trace' | 'truncate'; readonly label: string }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={current.value.settings[name]}
        onChange={(event) => setSettings({ [name]: event.currentTarget.checked })}
      />
      <span>{label}</span>
    </label>
  );
}
