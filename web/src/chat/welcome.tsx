import { hrefOf } from '../shell/route.ts';
import { current } from '../state/conversations.ts';
import { answeringModel, isReachable, models, tools } from '../state/server.ts';
import { focusComposer } from './composer.tsx';
import { say } from './say.ts';

/** What the embedded model was made for, and what larger ones are good at. */
const small = [
  { title: 'Ask about gpt-oss', text: 'What is MXFP4?' },
  { title: 'Ask who answers', text: 'Who are you?' },
  { title: 'See it remember', text: 'My name is Ada. What is my name?' },
];
const large = [
  { title: 'Explain', text: 'Explain how a mixture of experts chooses its experts, with a small worked example.' },
  {
    title: 'Write code',
    text: 'Write a Python function that finds the longest palindrome in a text, and explain its cost.',
  },
  {
    title: 'Reason',
    text: 'A bat and a ball cost 1.10 together; the bat costs 1.00 more. What does the ball cost? Show each step.',
  },
];

/** Where what is written here goes. */
function Reach() {
  const { enable } = current.value.settings;
  const names = tools.value
    .filter(({ name, reachesOut }) => reachesOut && enable.includes(name))
    .map(({ name }) => name);
  if (names.length === 0) return 'Nothing that you write goes anywhere else.';
  return `What it asks of ${new Intl.ListFormat('en').format(names)} goes to others, and may have in it what you write.`;
}

/** An empty conversation. */
export function Welcome() {
  const model = answeringModel(current.value.settings.model);
  const isSmall = models.value.find(({ name }) => name === model)?.origin === 'embedded';
  return (
    <div class="welcome">
      <div class="welcome-inside">
        <h2>What would you like to hear?</h2>
        <p>
          {model === '' ? 'The model' : <strong>{model}</strong>} answers on the machine that serves this page.{' '}
          <Reach />
        </p>
        {!isReachable.value && (
          <p class="notice bad" role="alert">
            The server does not answer. See whether <code>ossia serve</code> still runs.
          </p>
        )}
        <ul class="prompts">
          {(isSmall ? small : large).map(({ title, text }) => (
            <li key={text}>
              <button
                type="button"
                class="prompt"
                onClick={() => {
                  say(text);
                  focusComposer();
                }}
              >
                <strong>{title}</strong>
                <span>{text}</span>
              </button>
            </li>
          ))}
        </ul>
        {isSmall && (
          <p class="hint">
            {model} is a tiny model that shows how everything works: it knows a few facts about gpt-oss and little else.
            For real conversations get gpt-oss-20b on the page <a href={hrefOf('models')}>Models</a>.
          </p>
        )}
      </div>
    </div>
  );
}
