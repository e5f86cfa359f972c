import { signal } from '@preact/signals';
import { Dialog } from './dialog.tsx';
import { activeShortcuts } from './shortcuts.ts';

export const helpOpen = signal(false);

const isMac = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');
const names: Readonly<Record<string, string>> = {
  Mod: isMac ? '⌘' : 'Ctrl',
  Shift: isMac ? '⇧' : 'Shift',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  Enter: '↵',
};

/** All shortcuts that hold on the page that is open. */
export function HelpOverlay() {
  if (!helpOpen.value) return null;
  return (
    <Dialog title="Keyboard shortcuts" onClose={() => (helpOpen.value = false)}>
      <dl class="keys">
        {activeShortcuts().map(({ keys, title }) => (
          <Row key={keys} keys={keys} title={title} />
        ))}
      </dl>
    </Dialog>
  );
}

function Row({ keys, title }: { readonly keys: string; readonly title: string }) {
  const caps = keys.split(/[ +]/).map((cap) => names[cap] ?? (cap.length === 1 ? cap.toUpperCase() : cap));
  return (
    <>
      <dt>{title}</dt>
      <dd>
        {caps.map((cap) => (
          <kbd key={cap}>{cap}</kbd>
        ))}
      </dd>
    </>
  );
}
