import { goTo } from '../shell/route.ts';
import { toast } from '../shell/toasts.tsx';
import { change, current, putNode, removeNode } from '../state/conversations.ts';
import { newId } from '../state/new-id.ts';
import { answer, live } from '../state/run.ts';
import { type AssistantNode, childrenOf, pathOf, type TreeNode, withBranch, withRestored } from '../state/tree.ts';

/** Says something at the end of what is shown, or in place of an earlier message: that begins a branch. */
export function say(text: string, parent: string | null = pathOf(current.value).at(-1)?.id ?? null): void {
  const { id } = current.value;
  if (text.trim() === '' || live.value.has(id)) return;
  const node: TreeNode = { role: 'user', id: newId(), parent, created: Date.now(), text };
  putNode(id, node);
  goTo('chat', id);
  void answer(id, node.id);
}

/** Another answer to the same question, beside the one that is there. */
export function regenerate(node: AssistantNode): void {
  const { id } = current.value;
  if (live.value.has(id)) return;
  if (node.error && node.parts.length === 0) removeNode(id, node.id); // it said nothing
  void answer(id, node.parent);
}

/** Of the last answer. */
export function askAgain(): void {
  const last = pathOf(current.value).at(-1);
  if (last?.role === 'assistant') regenerate(last);
  else if (last) void answer(current.value.id, last.id);
}

/** Goes on behind an answer that was cut. */
export function goOn(): void {
  say('Continue exactly where you stopped.');
}

export function showBranch(node: string, step: -1 | 1): void {
  change(current.value.id, (conversation) => withBranch(conversation, node, step));
}

/** At the last place of the path that has branches. */
export function stepBranch(step: -1 | 1): void {
  const node = pathOf(current.value).findLast(({ parent }) => childrenOf(current.value, parent).length > 1);
  if (node) showBranch(node.id, step);
}

/** Takes a message and what follows it away; for some seconds it can be had back. */
export function removeMessage(node: TreeNode): void {
  const before = current.value;
  removeNode(before.id, node.id);
  toast('Message deleted', {
    title: 'Undo',
    run: () =>
      change(
        before.id,
        (now) => withRestored(now, before, node.id),
        ({ nodes }) => Object.values(nodes),
      ),
  });
}
