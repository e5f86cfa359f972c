/** The rungs of src/, lowest first. Imports go down only; folders on one rung do not know each other. */
export const rungs: readonly (readonly string[])[] = [
  ['base'],
  ['tensor'],
  ['grammar', 'tokenizer', 'checkpoint', 'backends'],
  ['harmony', 'model'],
  ['engine', 'tools'],
  ['chat'],
  ['api'],
  ['conform'],
  ['server'],
  ['cli'],
];
