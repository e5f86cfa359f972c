/** Declares a function, runs it when the model calls it, and lets the model answer with the result. */
import { type ChatEvent, load, Session, type ToolCall } from 'ossia';

const tools = [
  {
    name: 'get_weather',
    description: 'Gets the weather.',
    parameters: {
      type: 'object',
      properties: { city: { type: 'string', description: 'The city' } },
      required: ['city'],
    },
  },
];

function getWeather(args: { city: string }): string {
  return JSON.stringify({ city: args.city, temperature: 21, condition: 'sunny' });
}

await using model = await load('ossia-nano');
const session = new Session(model, { tools, effort: 'low' });
let calls = await show(session.send('What is the weather in Paris?'));
while (calls.length > 0) {
  for (const call of calls) {
    console.log(`calls ${call.name}(${call.arguments})`);
    session.answer(getWeather(JSON.parse(call.arguments)), call.id);
  }
  calls = await show(session.continue());
}

/** Prints the text of a turn and returns the calls in it. */
async function show(turn: AsyncIterable<ChatEvent>): Promise<ToolCall[]> {
  const calls: ToolCall[] = [];
  for await (const event of turn) {
    if (event.type === 'text') process.stdout.write(event.delta);
    if (event.type === 'tool_call' && event.status === 'complete') calls.push(event);
    if (event.type === 'end' && event.reason === 'stop') process.stdout.write('\n');
  }
  return calls;
}
