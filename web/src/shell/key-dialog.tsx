import { useState } from 'preact/hooks';
import { apiKey, keyWanted, setApiKey } from '../net/api.ts';
import { Dialog } from './dialog.tsx';

/** Shown when the server answers 401. */
export function KeyDialog() {
  if (!keyWanted.value) return null;
  return (
    <Dialog title="This server asks for a key" onClose={() => (keyWanted.value = false)}>
      <KeyForm />
    </Dialog>
  );
}

function KeyForm() {
  const [key, setKey] = useState('');
  return (
    <form
      class="form"
      onSubmit={(event) => {
        event.preventDefault();
        setApiKey(key);
      }}
    >
      <label class="row">
        <span>API key</span>
        <input
          class="field"
          type="password"
          autocomplete="off"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          required
        />
      </label>
      <p class="hint">
        {apiKey.value === '' ? '' : 'The key that was given is not one of this server’s. '}It stays in this tab and is
        forgotten with it.
      </p>
      <div class="row-end">
        <button type="submit" class="button main">
          Use this key
        </button>
      </div>
    </form>
  );
}
