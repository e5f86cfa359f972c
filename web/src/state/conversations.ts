import { signal } from '@preact/signals';
import { goTo } from '../shell/route.ts';
import { tell } from './channel.ts';
import { newId } from './new-id.ts';
import { lastSettings, rememberSettings, type Settings } from './settings.ts';
import { forgetConversation, forgetNodes, type Heading, keep, listConversations, loadConversation } from './store.ts';
import { type Conversation, type TreeNode, titleOf, withNode, withoutNode } from './tree.ts';

/** The list, latest first. */
export const headings = signal<readonly Heading[]>([]);
/** The one that is shown; a new one is in no list until something is said in it. */
export const current = signal<Conversation>(emptyConversation());

/** Those that are spoken in while another is shown. */
const behind = new Map<string, Conversation>();

export function emptyConversation(): Conversation {
  const now = Date.now();
  return { id: newId(), title: '', created: now, updated: now, settings: lastSettings(), nodes: {}, chosen: {} };
}

export async function openList(): Promise<void> {
  headings.value = await listConversations();
}

/** Shows a conversation by its id; a new one when there is none of that name. */
export async function openConversation(id: string): Promise<void> {
  if (current.value.id === id) return;
  putBehind();
  const found = behind.get(id) ?? (id === '' ? undefined : await loadConversation(id));
  current.value = found ?? emptyConversation();
}

export function startConversation(): void {
  if (Object.keys(current.value.nodes).length === 0) goTo('chat');
  else {
    putBehind();
    current.value = emptyConversation();
    goTo('chat');
  }
}

function putBehind(): void {
  if (Object.keys(current.value.nodes).length > 0) behind.set(current.value.id, current.value);
  if (behind.size > 20) behind.delete(behind.keys().next().value ?? '');
}

export function conversationById(id: string): Conversation | undefined {
  return current.value.id === id ? current.value : behind.get(id);
}

/** Changes a conversation wherever it is, and keeps the change: its heading, and the nodes that are named. */
export function change(
  id: string,
  how: (conversation: Conversation) => Conversation,
  nodes: (conversation: Conversation) => readonly TreeNode[] = () => [],
): void {
  const before = conversationById(id);
  if (!before) return;
  const after = how(before);
  if (current.value.id === id) current.value = after;
  else behind.set(id, after);
  if (Object.keys(after.nodes).length === 0) return;
  const { title, created, updated } = after;
  headings.value = [{ id, title, created, updated }, ...headings.value.filter((one) => one.id !== id)].sort(
    (a, b) => b.updated - a.updated,
  );
  const changed = nodes(after);
  const isSettled = changed.every((node) => node.role === 'user' || node.end || node.error); // an answer that grows is not told
  void keep(after, changed).then(() => isSettled && tell(id));
}

/** After another tab has changed it. The branches that are shown here stay shown. */
export async function readAgain(id: string, isWanted: () => boolean): Promise<void> {
  headings.value = await listConversations();
  if (!isWanted()) return;
  behind.delete(id);
  if (current.value.id !== id) return;
  const found = await loadConversation(id);
  if (current.value.id !== id || !isWanted()) return;
  if (found) current.value = { ...found, chosen: { ...found.chosen, ...current.value.chosen } };
  else startElsewhere();
}

/** What was shown is gone. */
function startElsewhere(): void {
  current.value = emptyConversation();
  goTo('chat');
}

/** Puts a node into a conversation, and keeps it. */
export function putNode(id: string, node: TreeNode): void {
  change(
    id,
    (conversation) => {
      const titled = conversation.title === '' && node.role === 'user' ? { title: titleOf(node.text) } : {};
      return { ...withNode(conversation, node), ...titled };
    },
    () => [node],
  );
}

export function removeNode(id: string, node: string): void {
  const before = conversationById(id);
  if (!before) return;
  const gone = Object.keys(before.nodes).filter((one) => !Object.hasOwn(withoutNode(before, node).nodes, one));
  change(id, (conversation) => withoutNode(conversation, node));
  void forgetNodes(gone).then(() => tell(id));
}

export function setSettings(some: Partial<Settings>): void {
  const settings = Object.fromEntries(
    Object.entries({ ...current.value.settings, ...some }).filter(([, value]) => value !== undefined),
  ) as unknown as Settings;
  rememberSettings(settings);
  change(current.value.id, (conversation) => ({ ...conversation, settings }));
}

export function rename(id: string, title: string): void {
  const known = conversationById(id);
  if (known) change(id, (conversation) => ({ ...conversation, title }));
  else {
    headings.value = headings.value.map((one) => (one.id === id ? { ...one, title } : one));
    void loadConversation(id).then((stored) => stored && keep({ ...stored, title }).then(() => tell(id)));
  }
}

/** Takes a conversation away; what comes back puts it where it was. */
export async function remove(id: string): Promise<() => void> {
  const whole = conversationById(id) ?? (await loadConversation(id));
  headings.value = headings.value.filter((one) => one.id !== id);
  behind.delete(id);
  if (current.value.id === id) startElsewhere();
  await forgetConversation(id);
  tell(id);
  return () => {
    if (whole) adopt(whole);
  };
}

/** Takes in a conversation that came from elsewhere, and shows it. */
export function adopt(conversation: Conversation): void {
  putBehind();
  behind.set(conversation.id, conversation);
  change(
    conversation.id,
    (same) => same,
    ({ nodes }) => Object.values(nodes),
  );
  goTo('chat', conversation.id);
}
