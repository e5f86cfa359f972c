/** What the model may call and Ossia carries out. Knows nothing of turns or wire formats. */
export type * from './types.ts';
