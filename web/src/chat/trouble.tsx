import type { ComponentChildren } from 'preact';
import { keyWanted } from '../net/api.ts';
import type { ConsoleError } from '../net/types.ts';
import { WarnIcon } from '../shell/icons.tsx';
import { setSettings } from '../state/conversations.ts';
import type { AssistantNode } from '../state/tree.ts';
import { goOn, regenerate } from './say.ts';

/** What went wrong with an answer, or was put right, and what can be done. */
export function Trouble({ node, isLast }: { readonly node: AssistantNode; readonly isLast: boolean }) {
  const { error, end } = node;
  return (
    <>
      {error && <Failure error={error} node={node} />}
      {isBrokenOff(node) && (
        <Note action={{ title: 'Answer again', run: () => regenerate(node) }}>The answer was broken off.</Note>
      )}
      {end?.reason === 'length' && (
        <Note action={isLast ? { title: 'Continue', run: goOn } : undefined}>
          The answer was cut off: it reached its limit of tokens, or the end of the context.
        </Note>
      )}
      {end?.reason === 'cancelled' && <Note>Stopped.</Note>}
      {end?.limit && (
        <Note>The model was made to answer: its {end.limit === 'time' ? 'time' : 'steps'} were used up.</Note>
      )}
      {end?.reasoningCut && <Note>{cuts[end.reasoningCut]}</Note>}
      {end?.truncated && (
        <Note>
          {end.truncated.messages} of the oldest messages ({end.truncated.tokens.toLocaleString()} tokens) were left
          out.
        </Note>
      )}
      <Repairs node={node} />
    </>
  );
}

/** It has no end: the page was closed, or it was stopped before it had begun. */
function isBrokenOff({ end, error, turn, parts }: AssistantNode): boolean {
  return !end && !error && (turn !== undefined || parts.length === 0);
}

const cuts = {
  budget: 'The thoughts were ended: their tokens were used up.',
  loop: 'The thoughts were ended: they went in circles.',
  answer_now: 'The thoughts were ended, as you asked.',
};

interface Action {
  readonly title: string;
  readonly run: () => void;
}

function Note({ action, children }: { readonly action?: Action | undefined; readonly children: ComponentChildren }) {
  return (
    <p class="note">
      <span>{children}</span>
      {action && (
        <button type="button" class="button" onClick={action.run}>
          {action.title}
        </button>
      )}
    </p>
  );
}

function Failure({ error, node }: { readonly error: ConsoleError; readonly node: AssistantNode }) {
  const isFull = error.code === 'chat/context-exceeded' || error.code === 'engine/context-full';
  const isLocked = /unauthori|auth|api-key|http\/401/.test(error.code);
  return (
    <div class="notice bad" role="alert">
      <WarnIcon />
      <div class="failure">
        <p>
          <strong>{withCode(error.message)}.</strong> {error.next !== '' && withCode(`${error.next}.`)}
        </p>
        <div class="row-start">
          {isFull && (
            <button
              type="button"
              class="button"
              onClick={() => {
                setSettings({ truncate: true });
                regenerate(node);
              }}
            >
              Leave out the oldest messages
            </button>
          )}
          {isLocked && (
            <button type="button" class="button" onClick={() => (keyWanted.value = true)}>
              Enter a key
            </button>
          )}
          <button type="button" class="button" onClick={() => regenerate(node)}>
            Try again
          </button>
        </div>
      </div>
    </div>
  );
}

/** What was malformed and put right, and where a schema was held less strictly: for those who want to know. */
function Repairs({ node: { end } }: { readonly node: AssistantNode }) {
  const lines = [
    ...(end?.repairs ?? []).map(({ code, detail }) => (detail ? `${code}: ${detail}` : code)),
    ...(end?.notes ?? []).map((note) =>
      Object.values(note)
        .filter((value) => typeof value === 'string')
        .join(' · '),
    ),
  ];
  if (lines.length === 0) return null;
  return (
    <details class="repairs">
      <summary>{lines.length === 1 ? 'One thing was put right' : `${lines.length} things were put right`}</summary>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </details>
  );
}

/** What stands in backticks is a command or a name. */
export function withCode(text: string): ComponentChildren {
  return text.split(/`([^`]+)`/).map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece));
}
