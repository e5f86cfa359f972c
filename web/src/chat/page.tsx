import './chat.css';
import '../markdown/markdown.css';
import { signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { sidePanel } from '../shell/drawer.ts';
import { SettingsIcon } from '../shell/icons.tsx';
import { route } from '../shell/route.ts';
import { type Shortcut, useShortcuts } from '../shell/shortcuts.ts';
import { current, openConversation, openList, startConversation } from '../state/conversations.ts';
import { storageProblem } from '../state/database.ts';
import { live, stop } from '../state/run.ts';
import { askServer } from '../state/server.ts';
import { Composer, focusComposer } from './composer.tsx';
import { ConversationList, focusSearch } from './list.tsx';
import { ModelPicker } from './model-picker.tsx';
import { askAgain, stepBranch } from './say.ts';
import { SettingsPanel, settingsOpen } from './settings-panel.tsx';
import { Thread } from './thread.tsx';
import { Welcome } from './welcome.tsx';

/** Why conversations are not kept was read. */
const isProblemSeen = signal(false);

export default function ChatPage() {
  const { rest } = route.value;
  useEffect(() => {
    sidePanel.value = ConversationList;
    void openList();
    void askServer();
    return () => {
      sidePanel.value = undefined;
    };
  }, []);
  useEffect(() => {
    if (rest !== '') void openConversation(rest);
  }, [rest]);
  useShortcuts(useMemo(shortcuts, []));
  const conversation = current.value;
  const isEmpty = Object.keys(conversation.nodes).length === 0;
  return (
    <div class="chat">
      <section class="chat-main" aria-label="Conversation">
        <header class="chat-head">
          <h1>{conversation.title || 'New conversation'}</h1>
          <ModelPicker />
          <button
            type="button"
            class="icon-button"
            aria-label="Settings"
            title="Settings (s)"
            aria-expanded={settingsOpen.value}
            onClick={() => (settingsOpen.value = !settingsOpen.value)}
          >
            <SettingsIcon />
          </button>
        </header>
        {storageProblem.value && !isProblemSeen.value && (
          <div class="notice warn storage" role="alert">
            <span>{storageProblem.value}</span>
            <button type="button" class="button quiet" onClick={() => (isProblemSeen.value = true)}>
              Understood
            </button>
          </div>
        )}
        {isEmpty ? <Welcome /> : <Thread key={conversation.id} conversation={conversation} />}
        <Composer key={`composer ${conversation.id}`} />
      </section>
      {settingsOpen.value && <SettingsPanel />}
    </div>
  );
}

function shortcuts(): readonly Shortcut[] {
  return [
    { keys: 'n', title: 'New conversation', run: startConversation },
    { keys: 'i', title: 'Write a message', run: focusComposer },
    { keys: '/', title: 'Search conversations', run: focusSearch },
    { keys: 's', title: 'Settings', run: () => (settingsOpen.value = !settingsOpen.value) },
    { keys: 'r', title: 'Answer again', run: askAgain },
    { keys: '[', title: 'The branch before', run: () => stepBranch(-1) },
    { keys: ']', title: 'The branch after', run: () => stepBranch(1) },
    {
      keys: 'Escape',
      title: 'Stop the answer, or close the settings',
      always: true,
      run: () => {
        const turn = live.value.get(current.value.id);
        if (settingsOpen.value) settingsOpen.value = false;
        else if (turn) stop(turn);
      },
    },
  ];
}
