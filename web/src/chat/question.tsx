import { useEffect, useRef, useState } from 'preact/hooks';
import { CopyButton } from '../shell/copy-button.tsx';
import { EditIcon, TrashIcon } from '../shell/icons.tsx';
import type { UserNode } from '../state/tree.ts';
import { Branches } from './branches.tsx';
import { removeMessage, say } from './say.ts';
import type { RowProps } from './thread.tsx';

/** What the person said. Edited, it is said anew beside what was said before. */
export function Question({ node, place, places, isBusy }: Omit<RowProps, 'node'> & { readonly node: UserNode }) {
  const [isEdited, setEdited] = useState(false);
  if (isEdited) return <Editor node={node} onDone={() => setEdited(false)} />;
  return (
    <article class="question">
      <h2 class="said-only">You</h2>
      <Bubble text={node.text} />
      <div class="actions">
        <Branches node={node.id} place={place} places={places} />
        <CopyButton text={node.text} label="Copy the message" />
        <button
          type="button"
          class="icon-button small"
          aria-label="Edit the message"
          title="Edit"
          disabled={isBusy}
          onClick={() => setEdited(true)}
        >
          <EditIcon size={15} />
        </button>
        <button
          type="button"
          class="icon-button small"
          aria-label="Delete the message"
          title="Delete"
          disabled={isBusy}
          onClick={() => removeMessage(node)}
        >
          <TrashIcon size={15} />
        </button>
      </div>
    </article>
  );
}

const LONG = 3000;
const SHOWN = 1500;

/** A long text, pasted perhaps, shows how it begins. */
function Bubble({ text }: { readonly text: string }) {
  const [isWhole, setWhole] = useState(text.length <= LONG);
  if (isWhole) return <div class="bubble">{text}</div>;
  return (
    <div class="bubble">
      {text.slice(0, SHOWN)}…
      <br />
      <button type="button" class="button quiet" onClick={() => setWhole(true)}>
        Show all {text.length.toLocaleString()} characters
      </button>
    </div>
  );
}

function Editor({ node, onDone }: { readonly node: UserNode; readonly onDone: () => void }) {
  const [text, setText] = useState(node.text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(node.text.length, node.text.length);
  }, []);
  const send = () => {
    onDone();
    say(text, node.parent);
  };
  return (
    <form
      class="editor"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        class="field"
        aria-label="Edited message"
        rows={Math.min(12, text.split('\n').length + 1)}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            onDone();
          } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      <div class="row-end">
        <button type="button" class="button quiet" onClick={onDone}>
          Cancel
        </button>
        <button type="submit" class="button main" disabled={text.trim() === ''}>
          Send
        </button>
      </div>
    </form>
  );
}
