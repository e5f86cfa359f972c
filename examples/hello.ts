/** Asks the embedded model a question and prints its answer as it comes: `node examples/hello.ts "What are you?"` */
import { load } from 'ossia';

await using model = await load('ossia-nano');
for await (const event of model.chat(process.argv[2] ?? 'What can you do?')) {
  if (event.type === 'text') process.stdout.write(event.delta);
}
process.stdout.write('\n');
