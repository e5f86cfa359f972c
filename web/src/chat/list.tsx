import { useEffect, useRef, useState } from 'preact/hooks';
import { drawer } from '../shell/drawer.ts';
import { PlusIcon, SearchIcon, UploadIcon } from '../shell/icons.tsx';
import { toast } from '../shell/toasts.tsx';
import { adopt, current, headings, startConversation } from '../state/conversations.ts';
import { type Heading, searchTexts } from '../state/store.ts';
import { fromJson } from '../state/transfer.ts';
import { ListItem } from './list-item.tsx';

const FIELD = 'conversation-search';

export function focusSearch(): void {
  document.getElementById(FIELD)?.focus();
}

/** Longer files are no conversations. */
const LARGEST = 256 * 1024 * 1024;
const SHOWN = 200;

/** All conversations, in the side bar. */
export function ConversationList() {
  const [words, setWords] = useState('');
  const [shown, setShown] = useState(SHOWN);
  const found = useFound(words);
  return (
    <>
      <div class="list-head">
        <button type="button" class="button new" onClick={begin}>
          <PlusIcon size={16} />
          New conversation
        </button>
        <label class="search">
          <SearchIcon size={15} />
          <input
            id={FIELD}
            type="search"
            placeholder="Search"
            aria-label="Search conversations"
            value={words}
            onInput={(event) => setWords(event.currentTarget.value)}
          />
        </label>
      </div>
      <nav class="list" aria-label="Conversations">
        <ul>
          {found.slice(0, shown).map((heading) => (
            <ListItem key={heading.id} heading={heading} isCurrent={heading.id === current.value.id} />
          ))}
        </ul>
        {found.length > shown && (
          <button type="button" class="button quiet" onClick={() => setShown(shown + SHOWN)}>
            Older ones
          </button>
        )}
        {found.length === 0 && (
          <p class="hint">{words === '' ? 'Conversations are kept in this browser.' : 'None has these words.'}</p>
        )}
      </nav>
      <Import />
    </>
  );
}

function begin(): void {
  drawer.value = false;
  startConversation();
}

/** By titles at once, and by texts as soon as they have been searched. */
function useFound(words: string): readonly Heading[] {
  const [inTexts, setInTexts] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    setInTexts(new Set());
    if (words.trim().length < 2) return;
    let wanted = true;
    const timer = setTimeout(() => searchTexts(words.trim()).then((ids) => wanted && setInTexts(ids)), 200);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [words]);
  if (words.trim() === '') return headings.value;
  const lower = words.trim().toLowerCase();
  return headings.value.filter(({ id, title }) => title.toLowerCase().includes(lower) || inTexts.has(id));
}

function Import() {
  const input = useRef<HTMLInputElement>(null);
  const read = async (file: File | undefined) => {
    if (!file) return;
    try {
      if (file.size > LARGEST) throw new Error('The file is too large');
      adopt(fromJson(await file.text()));
    } catch (error) {
      toast(error instanceof Error ? error.message : 'The file could not be read');
    }
  };
  return (
    <div class="list-foot">
      <button type="button" class="button quiet" onClick={() => input.current?.click()}>
        <UploadIcon size={15} />
        Import a conversation
      </button>
      <input
        ref={input}
        type="file"
        accept="application/json,.json"
        hidden
        aria-label="File to import"
        onChange={(event) => {
          void read(event.currentTarget.files?.[0]);
          event.currentTarget.value = '';
        }}
      />
    </div>
  );
}
