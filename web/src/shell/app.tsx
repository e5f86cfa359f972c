import type { ComponentChildren, ComponentType } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import { drawer, sidePanel } from './drawer.ts';
import { HelpOverlay, helpOpen } from './help.tsx';
import { HelpIcon, MenuIcon, MoonIcon, SunIcon, SystemIcon } from './icons.tsx';
import { KeyDialog } from './key-dialog.tsx';
import { Mark } from './mark.tsx';
import { type Page, pages } from './pages.ts';
import { goTo, hrefOf, route } from './route.ts';
import { type Shortcut, useShortcuts } from './shortcuts.ts';
import { nextTheme, theme } from './theme.ts';
import { Toasts } from './toasts.tsx';

export function App() {
  const page = pages.find(({ name }) => name === route.value.page) ?? pages[0]!;
  useShortcuts(useMemo(shellShortcuts, []));
  useEffect(() => {
    document.title = `${page.title} · Ossia`;
  }, [page]);
  useEffect(() => {
    drawer.value = false;
  }, [route.value]);
  useDrawerFocus();
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('stage')?.focus()}>
        Skip to the page
      </button>
      <Side page={page} />
      {drawer.value && (
        <button
          type="button"
          class="veil"
          aria-label="Close the menu"
          tabIndex={-1}
          onClick={() => (drawer.value = false)}
        />
      )}
      <div class="stage" inert={drawer.value}>
        <header class="top">
          <button
            type="button"
            class="icon-button"
            aria-label="Menu"
            aria-expanded={drawer.value}
            onClick={() => (drawer.value = !drawer.value)}
          >
            <MenuIcon />
          </button>
          <Brand />
        </header>
        <Stage page={page} />
      </div>
      <Toasts />
      <KeyDialog />
      <HelpOverlay />
    </>
  );
}

/** What is drawn in has the focus; drawn out, the button has it that drew it in. */
function useDrawerFocus(): void {
  const isDrawn = drawer.value;
  useEffect(() => {
    if (!isDrawn) return;
    document.querySelector<HTMLElement>('.side .pages a')?.focus();
    const close = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || document.querySelector(':popover-open, dialog[open]')) return;
      event.preventDefault();
      drawer.value = false;
    };
    document.addEventListener('keydown', close);
    return () => {
      document.removeEventListener('keydown', close);
      requestAnimationFrame(() => document.querySelector<HTMLElement>('.top .icon-button')?.focus());
    };
  }, [isDrawn]);
}

function Brand() {
  return (
    <a class="brand" href={hrefOf('chat')}>
      <Mark />
      <span class="label">Ossia</span>
    </a>
  );
}

function Side({ page }: { readonly page: Page }) {
  const Panel = sidePanel.value;
  return (
    <aside aria-label="Console" class={`side ${Panel ? '' : 'narrow'} ${drawer.value ? 'open' : ''}`}>
      <Brand />
      <nav aria-label="Pages">
        <ul class="pages">
          {pages.map(({ name, title, icon: Icon }) => (
            <li key={name}>
              <a
                href={hrefOf(name)}
                title={Panel ? undefined : title}
                {...(name === page.name ? { 'aria-current': 'page' as const } : {})}
              >
                <Icon />
                <span class="label">{title}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {Panel && (
        <div class="side-page">
          <Panel />
        </div>
      )}
      <div class="side-foot">
        <ThemeButton />
        <button
          type="button"
          class="icon-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={() => (helpOpen.value = true)}
        >
          <HelpIcon />
        </button>
      </div>
    </aside>
  );
}

const themes = { system: SystemIcon, light: SunIcon, dark: MoonIcon };

function ThemeButton() {
  const Icon = themes[theme.value];
  const label = `Theme: ${theme.value}`;
  return (
    <button type="button" class="icon-button" aria-label={label} title={label} onClick={nextTheme}>
      <Icon />
    </button>
  );
}

/** The page that is open; the last one stays until the next has been read. */
function Stage({ page }: { readonly page: Page }) {
  const [shown, show] = useState<{ readonly name: string; readonly Page: ComponentType }>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    let wanted = true;
    setProblem(undefined);
    page.load().then(
      (module) => wanted && show({ name: page.name, Page: module.default }),
      () => wanted && setProblem(page.title),
    );
    return () => {
      wanted = false;
    };
  }, [page]);
  if (problem)
    return (
      <Main>
        <p class="loading">{problem} could not be read from the server. Reload when it answers again.</p>
      </Main>
    );
  if (!shown)
    return (
      <Main>
        <h1 class="said-only">{page.title}</h1>
        <p class="loading">Opening…</p>
      </Main>
    );
  const { Page } = shown;
  return (
    <Main key={shown.name}>
      <Page />
    </Main>
  );
}

function Main({ children }: { readonly children: ComponentChildren }) {
  return (
    <main id="stage" tabIndex={-1}>
      {children}
    </main>
  );
}

function shellShortcuts(): readonly Shortcut[] {
  return [
    { keys: '?', title: 'Show the shortcuts', run: () => (helpOpen.value = true) },
    { keys: 't', title: 'Next theme', run: nextTheme },
    ...pages.map(({ name, title, key }) => ({ keys: `g ${key}`, title: `Go to ${title}`, run: () => goTo(name) })),
  ];
}
