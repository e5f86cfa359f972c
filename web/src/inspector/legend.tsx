import { legends } from './heat.ts';
import { dots, measure } from './state.ts';

/** What the marks of the text mean. */
export function Legend() {
  const kind = measure.value;
  return (
    <div class="legend" id="tokens-legend">
      {kind !== 'none' &&
        legends[kind].map((text, level) => (
          <span class="legend-item" key={text}>
            <span class={`token alone heat-${level}`} aria-hidden="true">
              a
            </span>
            {text}
          </span>
        ))}
      <span class="legend-item">
        <span class="token alone forced" aria-hidden="true">
          a
        </span>
        forced by the grammar
      </span>
      <span class="legend-item">
        <span class="token alone control" aria-hidden="true">
          &lt;|…|&gt;
        </span>
        control token
      </span>
      <span class="legend-item">
        <span class="token alone cached" aria-hidden="true">
          a
        </span>
        from the cache
      </span>
    </div>
  );
}

export function MeasureSwitch() {
  return (
    <div class="switches">
      <fieldset class="segments">
        <legend class="said-only">Marks show</legend>
        {(['probability', 'entropy', 'rank', 'none'] as const).map((each) => (
          <label key={each}>
            <input
              type="radio"
              name="measure"
              checked={measure.value === each}
              onChange={() => (measure.value = each)}
            />
            <span>{each === 'none' ? 'no marks' : each}</span>
          </label>
        ))}
      </fieldset>
      <label class="check">
        <input type="checkbox" checked={dots.value} onChange={(event) => (dots.value = event.currentTarget.checked)} />
        dots for spaces
      </label>
    </div>
  );
}
