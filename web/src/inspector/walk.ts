import type { TracedStep } from '../state/turns.ts';
import { levelOf } from './heat.ts';
import { cursor, measure, promptShown } from './state.ts';
import { lengthOf } from './trace.ts';

/** Where a key takes the cursor; undefined when it is no such key. */
export function nextPosition(event: KeyboardEvent, step: TracedStep, box: Element): number | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const at = cursor.value;
  const first = promptShown.value ? 0 : step.prompt.length;
  const held = (position: number) => Math.max(first, Math.min(lengthOf(step) - 1, position));
  switch (event.key) {
    case 'ArrowRight':
      return held(at + 1);
    case 'ArrowLeft':
      return held(at - 1);
    case 'ArrowDown':
      return held(lineAway(box, at, 1) ?? at + 12);
    case 'ArrowUp':
      return held(lineAway(box, at, -1) ?? at - 12);
    case 'PageDown':
      return held(at + 100);
    case 'PageUp':
      return held(at - 100);
    case 'Home':
      return first;
    case 'End':
      return held(lengthOf(step));
    case 'n':
      return surpriseFrom(step, at, 1);
    case 'N':
      return surpriseFrom(step, at, -1);
    default:
      return undefined;
  }
}

/** The nearest token, further on or further back, that is marked as quite a surprise; else the cursor's own. */
function surpriseFrom(step: TracedStep, from: number, by: 1 | -1): number {
  const by_ = measure.value === 'none' ? 'probability' : measure.value;
  for (let at = from + by; at >= step.prompt.length && at < lengthOf(step); at += by) {
    if ((levelOf(step.output[at - step.prompt.length]!, by_) ?? 0) >= 3) return at;
  }
  return from;
}

/** The token on the line below (1) or above (-1), about under or over this one; undefined when that line is not drawn. */
function lineAway(box: Element, position: number, by: 1 | -1): number | undefined {
  const own = box.querySelector(`[data-at="${position}"]`)?.getClientRects()[0];
  if (!own) return undefined;
  const middle = own.left + own.width / 2;
  let best: { readonly at: number; readonly far: number } | undefined;
  for (let at = position + by, steps = 0; steps < 400; at += by, steps++) {
    const rect = box.querySelector(`[data-at="${at}"]`)?.getClientRects()[0];
    if (!rect) break;
    const lines = Math.abs(rect.top - own.top);
    if (lines < own.height / 2) continue;
    const far = lines * 20 + Math.abs(rect.left + rect.width / 2 - middle);
    if (best && lines * 20 > best.far) break;
    if (!best || far < best.far) best = { at, far };
  }
  return best?.at;
}
