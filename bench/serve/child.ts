/** The `ossia` command of this working tree, in a process of its own. */
import { main } from '../../src/cli/main.ts';

await main(process.argv);
