/** Stops an answer half-way, as Ctrl-C would: an AbortSignal ends the turn within one step. */
import { load } from 'ossia';

await using model = await load('ossia-nano');
const abort = new AbortController();
let pieces = 0;
for await (const event of model.chat('What can you do?', { signal: abort.signal })) {
  if (event.type === 'text') {
    process.stdout.write(event.delta);
    if (++pieces === 4) abort.abort(); // or AbortSignal.timeout(2000) as the signal
  }
  if (event.type === 'end') console.log(`… ended by: ${event.reason}`);
}
