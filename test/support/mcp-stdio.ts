/** Runs the fixture as a program: `node test/support/mcp-stdio.ts [stubborn|mute|broken]`. */
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { fixtureServer } from './mcp-fixture.ts';

const manner = process.argv[2];
process.stderr.write('the fixture starts\n');
if (manner === 'broken') process.exit(1);
if (manner === 'stubborn') {
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1000);
}
if (manner === 'mute') setInterval(() => {}, 1000);
else await fixtureServer().connect(new StdioServerTransport());
