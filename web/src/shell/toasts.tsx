import { signal } from '@preact/signals';

export interface Toast {
  readonly text: string;
  readonly action?: { readonly title: string; readonly run: () => void };
}

const toasts = signal<readonly Toast[]>([]);
const SHOWN_MS = 8000;

/** A short message at the foot of the window, for some seconds. */
export function toast(text: string, action?: Toast['action']): void {
  const shown: Toast = { text, ...(action ? { action } : {}) };
  toasts.value = [...toasts.value.slice(-2), shown];
  setTimeout(() => drop(shown), SHOWN_MS);
}

function drop(gone: Toast): void {
  toasts.value = toasts.value.filter((shown) => shown !== gone);
}

export function Toasts() {
  return (
    <div class="toasts" role="status">
      {toasts.value.map((shown) => (
        <div class="toast" key={shown.text}>
          <span>{shown.text}</span>
          {shown.action && (
            <button
              type="button"
              onClick={() => {
                drop(shown);
                shown.action?.run();
              }}
            >
              {shown.action.title}
            </button>
          )}
        </div>
      ))}
    </div>
  );
}
