/** Characters of a passage. */
const length = 300;

/** The part of a text in which most of the terms occur close together: what a result shows. Undefined when there is none. */
export function bestPassage(text: string, terms: readonly string[]): string | undefined {
  const lower = text.toLowerCase();
  const places: { at: number; term: number }[] = [];
  for (const [term, word] of terms.slice(0, 20).entries()) {
    for (let at = lower.indexOf(word); at >= 0 && places.length < 2000; at = lower.indexOf(word, at + word.length)) {
      places.push({ at, term });
    }
  }
  if (places.length === 0) return undefined;
  places.sort((a, b) => a.at - b.at);
  let best = 0;
  let most = 0;
  for (const [index, { at }] of places.entries()) {
    const found = new Set<number>();
    for (let next = index; next < places.length && places[next]!.at < at + length; next++)
      found.add(places[next]!.term);
    if (found.size <= most) continue;
    most = found.size;
    best = at;
  }
  return cutAtWords(text, Math.max(0, best - 60));
}

/** How a text begins. */
export function opening(text: string): string {
  return cutAtWords(text, 0);
}

function cutAtWords(text: string, from: number): string {
  const start = from === 0 ? 0 : text.indexOf(' ', from) + 1 || from;
  const end = Math.min(text.length, start + length);
  const part = text.slice(start, end).replaceAll(/\s+/g, ' ').trim();
  return `${start > 0 ? '… ' : ''}${part}${end < text.length ? ' …' : ''}`;
}
