import { problems } from '../src/base/index.ts';

/** docs/reference/errors.md, made from the table in src/base/errors.ts. */
export function errorsPage(): string {
  const rows = Object.entries(problems)
    .map(([code, { status, next }]) => `| \`${code}\` | ${status} | ${next.replaceAll('|', '\\|')} |`)
    .join('\n');
  return `# Errors

Every error that Ossia raises on purpose is an \`OssiaError\`: \`code\` (stable), \`message\` (what was attempted, what was found), \`next\`
(what to do), \`status\` (the HTTP status it maps to). A wrong argument in a program is a \`TypeError\` or \`RangeError\` instead.

This page is made from \`src/base/errors.ts\` by \`node scripts/check-docs.ts --write\`.

| code | status | what to do next |
|---|---|---|
${rows}
`;
}
