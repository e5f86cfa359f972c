import { onTold } from './channel.ts';
import { readAgain } from './conversations.ts';
import { live } from './run.ts';

/** Shows what other tabs have said. A conversation that is answered here is left alone until it is. */
export function followTabs(): void {
  onTold((id) => void readAgain(id, () => !live.value.has(id)));
}
