/** The Harmony format by itself: renders a conversation to token ids, and reads what a model wrote, malformed as it may be. */
import { o200kHarmony, RecoveringParser, renderText, toConversation } from 'ossia';

const tokenizer = o200kHarmony();
const tools = [{ name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } }];
const conversation = toConversation([{ role: 'user', content: 'Weather in Oslo?' }], { tools, date: '2026-03-01' });
console.log(renderText(conversation, tokenizer));

// A turn without its channel token, and with a function that is almost called by its name.
const written = 'commentary to=get_weather <|constrain|>json<|message|>{"city":"Oslo"}<|call|>';
const parser = new RecoveringParser(tokenizer, { tools });
for (const id of tokenizer.encodeWithSpecials(written)) parser.push(id);
parser.end('stop');
for (const { recipient, content } of parser.messages) console.log(`${recipient} ${content}`);
console.log(`repaired: ${parser.repairs.map(({ code }) => code).join(', ')}`);
