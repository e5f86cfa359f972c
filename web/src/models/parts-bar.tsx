import { bytes, percent } from '../charts/format.ts';
import type { Part } from './memory.ts';

/** What something is made of, as a bar and in numbers. */
export function PartsBar({ label, parts }: { readonly label: string; readonly parts: readonly Part[] }) {
  const total = parts.reduce((sum, part) => sum + part.bytes, 0);
  if (total === 0) return null;
  return (
    <div class="parts">
      <div class="parts-bar" aria-hidden="true">
        {parts.map((part) => (
          <span key={part.name} class={`part ${part.look}`} style={{ flexGrow: part.bytes / total }} />
        ))}
      </div>
      <ul class="parts-legend" aria-label={label}>
        {parts.map((part) => (
          <li key={part.name}>
            <span class={`part-swatch ${part.look}`} aria-hidden="true" />
            {part.name} <span class="number">{bytes(part.bytes)}</span> <small>{percent(part.bytes / total)}</small>
          </li>
        ))}
      </ul>
    </div>
  );
}
