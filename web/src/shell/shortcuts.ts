import { useEffect } from 'preact/hooks';

export interface Shortcut {
  /** `?`, `/`, `Escape`, `Mod+b` (Ctrl or ⌘), `g c` (one after the other). */
  readonly keys: string;
  readonly title: string;
  readonly run: () => void;
  /** Works while a person types, too. Those with `Mod` do. */
  readonly always?: true;
}

const active = new Set<readonly Shortcut[]>();

/** Those that hold now, for the overlay. */
export function activeShortcuts(): readonly Shortcut[] {
  return [...active].flat();
}

/** Holds the shortcuts while the component is there. */
export function useShortcuts(shortcuts: readonly Shortcut[]): void {
  useEffect(() => {
    active.add(shortcuts);
    return () => void active.delete(shortcuts);
  }, [shortcuts]);
}

let first = '';
let firstAt = 0;

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return;
  const mod = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const pressed = mod ? `Mod+${event.shiftKey ? 'Shift+' : ''}${key}` : key;
  const chord = performance.now() - firstAt < 1200 ? `${first} ${pressed}` : '';
  const typing = isTyping(event.target);
  const found = activeShortcuts().find(
    ({ keys, always }) => (keys === pressed || keys === chord) && (mod || always === true || !typing),
  );
  if (!typing && !mod) [first, firstAt] = [pressed, performance.now()];
  if (!found || document.querySelector('dialog[open], :popover-open')) return; // what is open on top has the keys
  event.preventDefault();
  first = '';
  found.run();
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

addEventListener('keydown', onKey);
