import { useMemo } from 'preact/hooks';
import { clock, probability } from '../charts/format.ts';
import { Scroll } from '../charts/scroll.tsx';
import type { OutputToken } from '../net/types.ts';
import type { TracedStep, TurnRecord } from '../state/turns.ts';
import { visible } from './bands.ts';
import { type Block, type Comparison, chanceOf, compare } from './compare.ts';
import { Overlap } from './overlap.tsx';
import { moveTo, other, otherId, traced, turn, view } from './state.ts';

/** Two turns beside each other: where they part, and what each thought of the other's choice. */
export function CompareView({
  mine,
  step,
  index,
}: {
  readonly mine: TurnRecord;
  readonly step: TracedStep;
  readonly index: number;
}) {
  const yours = other.value;
  const theirs = yours?.steps[index] ?? yours?.steps[0];
  return (
    <section class="compare">
      <OtherChooser />
      {yours && theirs ? (
        <Sides mine={mine} yours={yours} step={step} theirs={theirs} />
      ) : (
        <p class="quiet empty">Choose another turn, or replay this one, to lay the two beside each other.</p>
      )}
    </section>
  );
}

function OtherChooser() {
  const others = traced.value.filter(({ id }) => id !== turn.value?.id);
  return (
    <label class="chooser">
      <span>Beside</span>
      <select
        class="field"
        value={other.value?.id ?? ''}
        onChange={(event) => {
          otherId.value = event.currentTarget.value;
        }}
      >
        <option value="">no other turn</option>
        {others.map((each) => (
          <option key={each.id} value={each.id}>
            {nameOf(each)}
          </option>
        ))}
      </select>
    </label>
  );
}

export function nameOf(record: TurnRecord): string {
  const time = clock(record.at);
  const seed = record.end ? ` · seed ${record.end.seed}` : '';
  return `${record.question || record.title} · ${time}${seed}`;
}

export interface SidesProps {
  readonly mine: TurnRecord;
  readonly yours: TurnRecord;
  readonly step: TracedStep;
  readonly theirs: TracedStep;
}

function Sides({ mine, yours, step, theirs }: SidesProps) {
  const samePrompt = useMemo(() => compare(step.prompt, theirs.prompt).equal, [step, theirs]);
  const found = useMemo(() => compare(step.output, theirs.output), [step, theirs]);
  return (
    <>
      <Verdict found={found} step={step} theirs={theirs} samePrompt={samePrompt} />
      {found.parting !== undefined && <Parting at={found.parting} step={step} theirs={theirs} />}
      <Scroll label="Both outputs" class="sides">
        <div class="side-head">
          <b>This turn</b> <small>{nameOf(mine)}</small>
        </div>
        <div class="side-head">
          <b>The other</b> <small>{nameOf(yours)}</small>
        </div>
        {found.blocks.map((block) => (
          <BlockView key={`${block.a[0]}-${block.b[0]}`} block={block} step={step} theirs={theirs} />
        ))}
      </Scroll>
      <Overlap mine={mine} yours={yours} step={step} theirs={theirs} found={found} />
    </>
  );
}

interface VerdictProps {
  readonly found: Comparison;
  readonly step: TracedStep;
  readonly theirs: TracedStep;
  readonly samePrompt: boolean;
}

function Verdict({ found, step, theirs, samePrompt }: VerdictProps) {
  const [a, b] = [step.output.length, theirs.output.length];
  const prompts = samePrompt ? '' : ' Their prompts are not the same.';
  if (found.equal) {
    const sameNumbers = step.output.every((token, at) => token.probability === theirs.output[at]!.probability);
    return (
      <p class="verdict good" role="status">
        Equal: all {a} tokens{sameNumbers ? ', and their probabilities to the last bit' : ''}.{prompts}
      </p>
    );
  }
  return (
    <p class="verdict" role="status">
      They part at token {found.parting! + 1}, after {found.parting} that are the same.{prompts}{' '}
      <small>
        In all {found.shared} tokens are in both, of {a} here and {b} there.
      </small>
    </p>
  );
}

function Parting({
  at,
  step,
  theirs,
}: {
  readonly at: number;
  readonly step: TracedStep;
  readonly theirs: TracedStep;
}) {
  return (
    <div class="parting">
      <Choice title="This turn" token={step.output[at]} other={theirs.output[at]} />
      <Choice title="The other" token={theirs.output[at]} other={step.output[at]} />
    </div>
  );
}

interface ChoiceProps {
  readonly title: string;
  readonly token: OutputToken | undefined;
  readonly other: OutputToken | undefined;
}

function Choice({ title, token, other: theirs }: ChoiceProps) {
  if (!token) return <p class="card choice">{title} ended here.</p>;
  const chance = chanceOf(token, theirs);
  return (
    <div class="card choice">
      <p>
        {title} chose <code>{visible(token.text, true)}</code>{' '}
        <span class="number">{probability(token.probability)}</span>
      </p>
      {theirs && (
        <p class="quiet small">
          {chance
            ? `The other’s choice had ${probability(chance.probability)} here, rank ${chance.rank}.`
            : `The other’s choice was not among the ${token.top.length} told here.`}
        </p>
      )}
    </div>
  );
}

/** A row: what both have is told once on each side; what parts stands opposite. */
function BlockView({
  block,
  step,
  theirs,
}: {
  readonly block: Block;
  readonly step: TracedStep;
  readonly theirs: TracedStep;
}) {
  const kind = block.same ? 'same' : 'apart';
  return (
    <>
      <Run tokens={step.output.slice(...block.a)} from={block.a[0]} kind={kind} mine={step.prompt.length} />
      <Run tokens={theirs.output.slice(...block.b)} from={block.b[0]} kind={kind} />
    </>
  );
}

/** Of longer runs the beginning and the end are shown. */
const shownOfRun = 400;

interface RunProps {
  readonly tokens: readonly OutputToken[];
  readonly from: number;
  readonly kind: string;
  /** Where the output begins, on the side whose tokens can be opened. */
  readonly mine?: number;
}

function Run({ tokens, from, kind, mine }: RunProps) {
  const isLong = tokens.length > shownOfRun;
  const head = isLong ? tokens.slice(0, shownOfRun / 2) : tokens;
  const tail = isLong ? tokens.slice(-shownOfRun / 2) : [];
  const open = mine === undefined ? undefined : () => openToken(mine + from);
  return (
    <div class={`run ${kind}`}>
      {tokens.length === 0 ? (
        <span class="quiet">nothing</span>
      ) : (
        <>
          {open ? (
            <button type="button" class="run-place" onClick={open} title="Show in the text">
              {from + 1}
            </button>
          ) : (
            <span class="run-place">{from + 1}</span>
          )}
          <Texts tokens={head} />
          {isLong && <span class="cut"> … {tokens.length - shownOfRun} tokens … </span>}
          <Texts tokens={tail} />
        </>
      )}
    </div>
  );
}

function Texts({ tokens }: { readonly tokens: readonly OutputToken[] }) {
  return tokens.map((token, index) => (
    <span key={index} class={`token ${token.control ? 'control' : ''}`}>
      {visible(token.text, false)}
    </span>
  ));
}

function openToken(position: number): void {
  view.value = 'tokens';
  requestAnimationFrame(() => moveTo(position));
}
