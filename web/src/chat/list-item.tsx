import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { DownloadIcon, EditIcon, MoreIcon, TrashIcon } from '../shell/icons.tsx';
import { putBeside } from '../shell/popover.ts';
import { hrefOf } from '../shell/route.ts';
import { saveFile } from '../shell/save-file.ts';
import { toast } from '../shell/toasts.tsx';
import { conversationById, remove, rename } from '../state/conversations.ts';
import { live, stop } from '../state/run.ts';
import { type Heading, loadConversation } from '../state/store.ts';
import { toJson, toMarkdown } from '../state/transfer.ts';
import type { Conversation } from '../state/tree.ts';

export function ListItem({ heading, isCurrent }: { readonly heading: Heading; readonly isCurrent: boolean }) {
  const [isRenamed, setRenamed] = useState(false);
  const { id, title } = heading;
  if (isRenamed) return <Rename heading={heading} onDone={() => setRenamed(false)} />;
  return (
    <li class="list-item">
      <a href={hrefOf('chat', id)} {...(isCurrent ? { 'aria-current': 'page' as const } : {})}>
        {live.value.has(id) && <span class="spinner" role="img" aria-label="Answering" />}
        {title}
      </a>
      <ItemMenu heading={heading} onRename={() => setRenamed(true)} />
    </li>
  );
}

function ItemMenu({ heading, onRename }: { readonly heading: Heading; readonly onRename: () => void }) {
  const menu = useId();
  const { id, title } = heading;
  const place = useRef<HTMLDivElement>(null);
  const act = (work: () => void) => () => {
    place.current?.hidePopover();
    work();
  };
  const exported = (how: (conversation: Conversation) => string, ending: string, type: string) => async () => {
    const conversation = conversationById(id) ?? (await loadConversation(id));
    if (conversation) saveFile(`${fileName(title)}.${ending}`, how(conversation), type);
    else toast('The conversation could not be read');
  };
  return (
    <>
      <button type="button" class="icon-button small more" aria-label={`More for “${title}”`} popovertarget={menu}>
        <MoreIcon size={16} />
      </button>
      <div
        id={menu}
        ref={place}
        popover="auto"
        class="menu item-menu"
        onToggle={(event) => putBeside(event.currentTarget)}
      >
        <button type="button" onClick={act(onRename)}>
          <EditIcon size={15} /> Rename
        </button>
        <button type="button" onClick={act(exported(toMarkdown, 'md', 'text/markdown'))}>
          <DownloadIcon size={15} /> Export as Markdown
        </button>
        <button type="button" onClick={act(exported(toJson, 'json', 'application/json'))}>
          <DownloadIcon size={15} /> Export as JSON
        </button>
        <button type="button" class="bad" onClick={act(() => void removeWithUndo(heading))}>
          <TrashIcon size={15} /> Delete
        </button>
      </div>
    </>
  );
}

async function removeWithUndo({ id, title }: Heading): Promise<void> {
  const turn = live.value.get(id);
  if (turn) stop(turn);
  const undo = await remove(id);
  toast(`Deleted “${title}”`, { title: 'Undo', run: undo });
}

function fileName(title: string): string {
  return (
    title
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'conversation'
  );
}

function Rename({ heading, onDone }: { readonly heading: Heading; readonly onDone: () => void }) {
  const [title, setTitle] = useState(heading.title);
  const field = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const finish = (isWanted: boolean) => {
    if (isWanted && title.trim() !== '') rename(heading.id, title.trim().slice(0, 200));
    onDone();
  };
  return (
    <li class="list-item">
      <input
        ref={field}
        class="field"
        aria-label="Title"
        value={title}
        onInput={(event) => setTitle(event.currentTarget.value)}
        onBlur={() => finish(true)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') finish(true);
          if (event.key === 'Escape') {
            event.stopPropagation();
            finish(false);
          }
        }}
      />
    </li>
  );
}
