import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';

/** What the page that is open puts into the side bar; without it the bar is narrow. */
export const sidePanel = signal<ComponentType | undefined>(undefined);

/** On a telephone: whether the side bar is drawn in. */
export const drawer = signal(false);
