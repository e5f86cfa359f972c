/** Between the tabs of one browser: which conversation has changed in its storage. */
const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('ossia.conversations') : undefined;

export function tell(conversation: string): void {
  channel?.postMessage(conversation);
}

export function onTold(work: (conversation: string) => void): void {
  channel?.addEventListener('message', ({ data }) => typeof data === 'string' && work(data));
}
