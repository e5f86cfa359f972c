import { signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { SendIcon, StopIcon } from '../shell/icons.tsx';
import { current, setSettings } from '../state/conversations.ts';
import { live, stop } from '../state/run.ts';
import { pathOf } from '../state/tree.ts';
import { say } from './say.ts';
import { ToolsMenu } from './tools-menu.tsx';

/** What is written and not yet sent, by conversation. */
const drafts = signal<Readonly<Record<string, string>>>({});

const FIELD = 'composer-field';

export function focusComposer(): void {
  document.getElementById(FIELD)?.focus();
}

/** Puts a text where the person writes, for them to send or to change. */
export function suggest(text: string): void {
  drafts.value = { ...drafts.value, [current.value.id]: text };
  focusComposer();
}

export function Composer() {
  const { id, settings } = current.value;
  const text = drafts.value[id] ?? '';
  const turn = live.value.get(id);
  const field = useRef<HTMLTextAreaElement>(null);
  const setText = (to: string) => {
    drafts.value = { ...drafts.value, [id]: to };
  };
  useLayoutEffect(() => {
    const element = field.current;
    if (!element) return;
    element.style.height = 'auto';
    element.style.height = `${Math.min(element.scrollHeight, 320)}px`;
  }, [text]);
  useLayoutEffect(() => {
    if (matchMedia('(hover: hover)').matches) field.current?.focus(); // on a telephone the keyboard would jump up
  }, []);
  const send = () => {
    if (turn || text.trim() === '') return;
    setText('');
    say(text.trim());
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="composer-box">
        <textarea
          ref={field}
          id={FIELD}
          rows={1}
          aria-label="Message"
          placeholder="Write a message"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
              event.preventDefault();
              send();
            } else if (event.key === 'ArrowUp' && text === '') editLast();
          }}
        />
        <div class="composer-tools">
          <select
            class="pill"
            aria-label="Effort"
            title="How hard the model thinks"
            value={settings.effort}
            onChange={(event) => setSettings({ effort: event.currentTarget.value as typeof settings.effort })}
          >
            <option value="low">Low effort</option>
            <option value="medium">Medium effort</option>
            <option value="high">High effort</option>
          </select>
          <ToolsMenu />
          {settings.format !== 'text' && (
            <span class="chip">{settings.format === 'json' ? 'JSON' : 'JSON schema'}</span>
          )}
          {settings.system.trim() !== '' && <span class="chip">Instructions</span>}
          {turn ? (
            <button type="button" class="send" aria-label="Stop" title="Stop (Esc)" onClick={() => stop(turn)}>
              <StopIcon />
            </button>
          ) : (
            <button type="submit" class="send" aria-label="Send" title="Send (Enter)" disabled={text.trim() === ''}>
              <SendIcon />
            </button>
          )}
        </div>
      </div>
    </form>
  );
}

/** Opens the editor of the last thing that was said. */
function editLast(): void {
  const last = pathOf(current.value).findLast(({ role }) => role === 'user');
  if (last)
    document
      .querySelector<HTMLElement>('.message:nth-last-child(-n + 2) .question [aria-label="Edit the message"]')
      ?.click();
}
