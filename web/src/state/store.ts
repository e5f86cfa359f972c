import { within } from './database.ts';
import { settingsFrom } from './settings.ts';
import { type Conversation, type TreeNode, textOf } from './tree.ts';

/** A conversation as the list shows it. */
export type Heading = Pick<Conversation, 'id' | 'title' | 'created' | 'updated'>;

type StoredNode = TreeNode & { readonly conversation: string };
type StoredConversation = Omit<Conversation, 'nodes'>;

/** Latest first. What is damaged is left out. */
export async function listConversations(): Promise<readonly Heading[]> {
  const all = await within<StoredConversation[]>(['conversations'], 'readonly', (t) =>
    t.objectStore('conversations').getAll(),
  );
  return (all ?? [])
    .filter(
      ({ id, title, updated }) => typeof id === 'string' && typeof title === 'string' && typeof updated === 'number',
    )
    .map(({ id, title, created, updated }) => ({ id, title, created, updated }))
    .sort((a, b) => b.updated - a.updated);
}

export async function loadConversation(id: string): Promise<Conversation | undefined> {
  const stored = await within<StoredConversation | undefined>(['conversations'], 'readonly', (t) =>
    t.objectStore('conversations').get(id),
  );
  if (!stored) return undefined;
  const all = await within<StoredNode[]>(['nodes'], 'readonly', (t) =>
    t.objectStore('nodes').index('conversation').getAll(id),
  );
  const nodes = Object.fromEntries(
    (all ?? []).filter(isNode).map(({ conversation: _, ...node }) => [node.id, node as TreeNode]),
  );
  return { ...stored, settings: settingsFrom(stored.settings), chosen: stored.chosen ?? {}, nodes };
}

function isNode(node: StoredNode): boolean {
  return (
    typeof node.id === 'string' && (node.role === 'user' ? typeof node.text === 'string' : Array.isArray(node.parts))
  );
}

/** Keeps the conversation's heading and those of its nodes that are named. */
export async function keep(conversation: Conversation, nodes: readonly TreeNode[] = []): Promise<void> {
  await within(['conversations', 'nodes'], 'readwrite', (t) => {
    const { nodes: _, ...stored } = conversation;
    t.objectStore('conversations').put(stored);
    for (const node of nodes) t.objectStore('nodes').put({ ...node, conversation: conversation.id });
    return undefined;
  });
}

export async function forgetNodes(ids: readonly string[]): Promise<void> {
  await within(['nodes'], 'readwrite', (t) => {
    for (const id of ids) t.objectStore('nodes').delete(id);
    return undefined;
  });
}

export async function forgetConversation(id: string): Promise<void> {
  await within(['conversations', 'nodes'], 'readwrite', (t) => {
    t.objectStore('conversations').delete(id);
    const request = t.objectStore('nodes').index('conversation').openKeyCursor(id);
    request.onsuccess = () => {
      if (!request.result) return;
      t.objectStore('nodes').delete(request.result.primaryKey);
      request.result.continue();
    };
    return undefined;
  });
}

/** Ids of the conversations in whose texts the words stand; titles are the caller's to search. */
export async function searchTexts(words: string): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const wanted = words.toLowerCase();
  await within(['nodes'], 'readonly', (t) => {
    const request = t.objectStore('nodes').openCursor();
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return;
      const node = cursor.value as StoredNode;
      if (!found.has(node.conversation) && isNode(node) && textOf(node).toLowerCase().includes(wanted))
        found.add(node.conversation);
      cursor.continue();
    };
    return undefined;
  });
  return found;
}
