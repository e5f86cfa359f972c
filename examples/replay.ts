/** Samples at a high temperature, twice with the same seed, beside other work: the same seed gives the same tokens. */
import { load } from 'ossia';

await using model = await load('ossia-nano');

async function answer(seed: number): Promise<string> {
  let text = '';
  for await (const event of model.chat('Tell me a story.', { temperature: 2, seed, maxTokens: 40 })) {
    if (event.type === 'text' || event.type === 'reasoning') text += event.delta;
  }
  return text;
}

const first = await answer(7);
const [again, other] = await Promise.all([answer(7), answer(8)]); // side by side in the same steps
console.log(first);
console.log(again === first ? 'seed 7 again: the same' : 'seed 7 again: DIFFERENT');
console.log(other === first ? 'seed 8: the same' : 'seed 8: another answer');
