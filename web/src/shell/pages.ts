import type { ComponentType } from 'preact';
import { ChatIcon, DashboardIcon, InspectIcon, ModelsIcon } from './icons.tsx';

export interface PageModule {
  readonly default: ComponentType;
}

export interface Page {
  readonly name: string;
  readonly title: string;
  readonly icon: ComponentType<{ readonly size?: number }>;
  /** After `g`. */
  readonly key: string;
  readonly load: () => Promise<PageModule>;
}

/** Every page is a chunk of its own, read when it is first opened. */
const loaders = import.meta.glob<PageModule>('../{chat,inspector,models,dashboard}/page.tsx');

const known = [
  { name: 'chat', title: 'Chat', icon: ChatIcon, key: 'c' },
  { name: 'inspector', title: 'Inspector', icon: InspectIcon, key: 'i' },
  { name: 'models', title: 'Models', icon: ModelsIcon, key: 'm' },
  { name: 'dashboard', title: 'Dashboard', icon: DashboardIcon, key: 'd' },
];

export const pages: readonly Page[] = known.flatMap((page) => {
  const load = loaders[`../${page.name}/page.tsx`];
  return load ? [{ ...page, load }] : [];
});
