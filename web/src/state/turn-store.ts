import { within } from './database.ts';
import { addEarlier, type TurnRecord, turns } from './turns.ts';

/** As many as the browser keeps for later tabs, and of how many tokens at most. */
const STORED = 50;
const LONGEST = 8192;

/** Reads the turns that were kept, and keeps those that come. */
export async function keepTurns(): Promise<void> {
  const stored = await within<TurnRecord[]>(['turns'], 'readonly', (t) => t.objectStore('turns').index('at').getAll());
  const whole = (stored ?? []).filter(({ id, body, steps }) => typeof id === 'string' && body && Array.isArray(steps));
  const known = new Set(whole.map(({ id }) => id));
  addEarlier(whole);
  turns.subscribe((all) => {
    for (const record of all) {
      if (known.has(record.id)) continue;
      known.add(record.id);
      void store(record);
    }
  });
}

async function store(record: TurnRecord): Promise<void> {
  const tokens = record.steps.reduce((sum, { prompt, output }) => sum + prompt.length + output.length, 0);
  if (tokens === 0 || tokens > LONGEST) return;
  await within(['turns'], 'readwrite', (t) => {
    const all = t.objectStore('turns');
    all.put(record);
    const keys = all.index('at').getAllKeys();
    keys.onsuccess = () => {
      for (const key of keys.result.slice(0, -STORED)) all.delete(key);
    };
    return undefined;
  });
}
