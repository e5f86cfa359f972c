/** Looks inside: what the model holds likely as the first word of its answer, and which experts it asks on the way. */
import { evaluate, load, loadModel, openBackend, openCheckpoint, resolveModel, routing } from 'ossia';

// A conversation as the model sees it, up to where the answer begins.
const chat = await load('ossia-nano');
const { tokenizer } = chat;
const prompt = chat.render('Are you a good storyteller?', { effort: 'low' });
const ids = [...prompt, ...tokenizer.encodeWithSpecials('<|channel|>final<|message|>')];
await chat.close();

// Below the engine there is a checkpoint, a backend, and the model made of both.
const checkpoint = await openCheckpoint((await resolveModel('ossia-nano')).path);
const backend = await openBackend('reference');
const model = loadModel(checkpoint, backend);

await evaluate(model, ids, {
  positions: [ids.length - 1],
  onRow: (_, logits) => {
    const total = logits.reduce((sum, logit) => sum + Math.exp(logit), 0);
    const best = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]!).slice(0, 3);
    for (const id of best) {
      const percent = ((100 * Math.exp(logits[id]!)) / total).toFixed(2);
      console.log(`${percent.padStart(6)} % ${JSON.stringify(tokenizer.decode([id]))}`);
    }
  },
});

const layers = await routing(model, ids);
layers.forEach(({ experts }, layer) => {
  const asked = experts.subarray(experts.length - model.config.expertsPerToken);
  console.log(`layer ${layer}: experts ${asked.join(', ')}`);
});
backend.dispose();
checkpoint.close();
