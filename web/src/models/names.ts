/** What is wrong with a name that somebody wants to pull; undefined: nothing that can be seen from here. */
export function problemOf(name: string): string | undefined {
  const trimmed = name.trim();
  if (trimmed === '') return 'Write the name of a model.';
  if (/^https?:/i.test(trimmed)) return 'Write the name, without the address: openai/gpt-oss-20b.';
  if (trimmed.length > 200) return 'No repository has a name as long as this.';
  const isKnown = /^gpt-oss(?:[:-](?:20b|120b))?$/i.test(trimmed);
  const isRepository = /^[\w-][\w.-]*\/[\w-][\w.-]*$/.test(trimmed) && !trimmed.includes('..');
  if (isKnown || isRepository) return undefined;
  return 'A name is gpt-oss:20b, gpt-oss:120b, or a repository of the hub such as openai/gpt-oss-20b.';
}
