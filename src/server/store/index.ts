/** Where responses are kept: one SQLite file, or memory where there is no SQLite. */
export { openResponseStore, type ResponseStoreOptions } from './open.ts';
