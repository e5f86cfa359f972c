import { Citations } from '../markdown/citations.tsx';
import { Markdown } from '../markdown/markdown.tsx';
import type { Citation } from '../net/types.ts';
import { CopyButton } from '../shell/copy-button.tsx';
import { RetryIcon, TrashIcon } from '../shell/icons.tsx';
import type { Called, Part } from '../state/parts.ts';
import { answerNow, type LiveTurn } from '../state/run.ts';
import { answeringModel } from '../state/server.ts';
import { type AssistantNode, textOf } from '../state/tree.ts';
import { Branches } from './branches.tsx';
import { regenerate, removeMessage } from './say.ts';
import { ThoughtView } from './thought.tsx';
import type { RowProps } from './thread.tsx';
import { ToolCard } from './tool-card.tsx';
import { Trouble } from './trouble.tsx';
import { UsageLine } from './usage-line.tsx';

export interface AnswerProps extends Omit<RowProps, 'node'> {
  readonly node: AssistantNode;
}

/**
 * An answer, also while it is being given: then it is drawn once a frame at most, from parts that change in place. It stays the
 * same component, so that nothing is drawn anew when it is complete.
 */
export function Answer({ node, turn, place, places, isLast, isBusy }: AnswerProps) {
  turn?.version.value; // drawn again when it counts up
  const parts = turn?.fold.parts ?? node.parts;
  const last = turn && parts.at(-1);
  return (
    <article class="answer" aria-busy={turn !== undefined}>
      <h2 class="said-only">{node.model || answeringModel('') || 'The model'}</h2>
      <Citations.Provider value={node.end?.citations ?? none}>
        {parts.map((part, index) => (
          <PartView key={index} part={part} turn={turn} isOpen={part === last} />
        ))}
      </Citations.Provider>
      {turn ? (
        <Pending turn={turn} last={last} />
      ) : (
        <>
          <Trouble node={node} isLast={isLast} />
          <Actions node={node} place={place} places={places} isBusy={isBusy} />
        </>
      )}
    </article>
  );
}

const none: readonly Citation[] = [];

/** What shows that more is coming. */
function Pending({ turn, last }: { readonly turn: LiveTurn; readonly last: Part | undefined }) {
  if (last === undefined) {
    return <p class="waiting">{turn.id === undefined ? 'Waiting for the model' : 'Reading the conversation'}</p>;
  }
  if (last.type === 'text') return <span class="cursor" aria-hidden="true" />;
  if (last.type !== 'reasoning' || turn.hurried) return null;
  return (
    <button type="button" class="button answer-now" onClick={() => answerNow(turn)}>
      Answer now
    </button>
  );
}

function Actions({ node, place, places, isBusy }: Pick<AnswerProps, 'node' | 'place' | 'places' | 'isBusy'>) {
  return (
    <div class="actions">
      <Branches node={node.id} place={place} places={places} />
      {node.parts.length > 0 && <CopyButton text={() => textOf(node)} label="Copy the answer" />}
      <button
        type="button"
        class="icon-button small"
        aria-label="Answer again"
        title="Answer again (r)"
        disabled={isBusy}
        onClick={() => regenerate(node)}
      >
        <RetryIcon size={15} />
      </button>
      <button
        type="button"
        class="icon-button small"
        aria-label="Delete the answer"
        title="Delete"
        disabled={isBusy}
        onClick={() => removeMessage(node)}
      >
        <TrashIcon size={15} />
      </button>
      <UsageLine node={node} />
    </div>
  );
}

interface PartProps {
  readonly part: Part;
  readonly turn: LiveTurn | undefined;
  readonly isOpen: boolean;
}

function PartView({ part, turn, isOpen }: PartProps) {
  if (part.type === 'reasoning') return <ThoughtView {...part} isOpen={isOpen} />;
  if (part.type === 'tool') return <ToolCard call={{ ...part } as Called} {...(turn ? { turn } : {})} />;
  return (
    <div class={part.channel === 'commentary' ? 'remark' : 'text'}>
      <Markdown text={part.text} open={isOpen} />
    </div>
  );
}
