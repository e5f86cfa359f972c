import { useState } from 'preact/hooks';
import { Markdown } from '../markdown/markdown.tsx';
import { RightIcon } from '../shell/icons.tsx';
import { current } from '../state/conversations.ts';

export interface ThoughtProps {
  readonly text: string;
  readonly ms: number;
  readonly tokens?: number;
  /** It is still being thought. */
  readonly isOpen: boolean;
}

/** The model's thoughts: a line that says how long they took, and on demand what they were. */
export function ThoughtView({ text, ms, tokens, isOpen }: ThoughtProps) {
  const [choice, setChoice] = useState<boolean>();
  const isShown = choice ?? (isOpen && current.value.settings.showThoughts);
  const count = tokens === undefined ? '' : ` · ${tokens.toLocaleString()} ${tokens === 1 ? 'token' : 'tokens'}`;
  return (
    <div class={isOpen ? 'thought open' : 'thought'}>
      <button type="button" class="fold" aria-expanded={isShown} onClick={() => setChoice(!isShown)}>
        <RightIcon size={14} />
        <span>
          {isOpen ? 'Thinking' : 'Thought'} for <span class="number">{ms < 1 ? 'a moment' : secondsOf(ms)}</span>
          <span class="number">{count}</span>
        </span>
      </button>
      {isShown && (
        <div class="thoughts">
          <Markdown text={text} open={isOpen} />
        </div>
      )}
    </div>
  );
}

export function secondsOf(ms: number): string {
  if (ms < 950) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}
