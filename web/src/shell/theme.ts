import { signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEY = 'ossia.theme'; // also read by public/theme.js, before the first paint

export const theme = signal<Theme>(stored());

function stored(): Theme {
  const set = document.documentElement.dataset.theme;
  return set === 'light' || set === 'dark' ? set : 'system';
}

export function setTheme(to: Theme): void {
  theme.value = to;
  if (to === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = to;
  try {
    if (to === 'system') localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, to);
  } catch {
    // Then it lasts as long as the page.
  }
}

/** System, light, dark, and round again. */
export function nextTheme(): void {
  setTheme(theme.value === 'system' ? 'light' : theme.value === 'light' ? 'dark' : 'system');
}
