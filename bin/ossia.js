#!/usr/bin/env node
// In a clone the command runs from source, where this Node can strip types; in an installed package, from dist/.
import { existsSync } from 'node:fs';
import module from 'node:module';

module.enableCompileCache?.(); // a third of the time to start, where this Node has it

const source = new URL('../src/cli/main.ts', import.meta.url);
const compiled = new URL('../dist/cli/main.js', import.meta.url);
const runsTypeScript = Boolean(process.features.typescript);
const installed = import.meta.url.includes('/node_modules/'); // Node never strips types below node_modules

if (runsTypeScript && !installed && existsSync(source)) {
  const { main } = await import(source.href);
  await main(process.argv);
} else if (existsSync(compiled)) {
  const { main } = await import(compiled.href);
  await main(process.argv);
} else {
  process.stderr.write(
    `error: Cannot start ossia: dist/ is not built, and Node ${process.versions.node} does not run TypeScript\n` +
      '  next: Run `npm install` in the clone and start it as `npx ossia`, which brings a Node that does; or `npm run build`\n',
  );
  process.exitCode = 1;
}
