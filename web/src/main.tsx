/** The console: pages over the server that they came from. Knows the server by its types alone, and loads nothing from elsewhere. */
import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import './style/tokens.css';
import './style/base.css';
import './style/shell.css';
import { render } from 'preact';
import { App } from './shell/app.tsx';
import { fromPath } from './shell/route.ts';
import { followTabs } from './state/tabs.ts';
import { keepTurns } from './state/turn-store.ts';

fromPath();
void keepTurns();
followTabs();
render(<App />, document.getElementById('app')!);
