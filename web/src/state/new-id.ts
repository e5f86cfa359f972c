/** `crypto.randomUUID` is there on secure origins only, and the console may be read over plain HTTP in a house. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
