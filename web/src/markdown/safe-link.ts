/** An address that a person may follow out of the console: http, https or mail. Anything else is no link. */
export function safeHref(href: string): string | undefined {
  const text = href.trim();
  if (!/^(?:https?:\/\/|mailto:)/i.test(text) || text.length > 4096) return undefined;
  try {
    const { protocol } = new URL(text);
    return protocol === 'http:' || protocol === 'https:' || protocol === 'mailto:' ? text : undefined;
  } catch {
    return undefined;
  }
}
