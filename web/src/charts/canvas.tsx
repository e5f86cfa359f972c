import type { ComponentProps, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { theme } from '../shell/theme.ts';

/** What a picture is drawn on; sizes in CSS pixels. */
export interface Pad {
  readonly context: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** A colour of the theme: `--accent`. */
  readonly colour: (variable: string) => string;
}

export interface CanvasProps extends Omit<ComponentProps<'canvas'>, 'ref' | 'height' | 'width' | 'style'> {
  readonly canvas: RefObject<HTMLCanvasElement | null>;
  readonly height: number;
  /** Called anew when the size, the theme or `draw` itself changes. */
  readonly draw: (pad: Pad) => void;
}

/** A canvas as wide as its place, sharp on every screen, in the colours of the theme. */
export function Canvas({ canvas, height, draw, ...attributes }: CanvasProps) {
  const width = useWidth(canvas);
  const dark = usePrefersDark();
  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    if (!element || !context || width === 0) return;
    const density = globalThis.devicePixelRatio || 1;
    element.width = Math.round(width * density);
    element.height = Math.round(height * density);
    context.setTransform(density, 0, 0, density, 0, 0);
    const style = getComputedStyle(element);
    draw({ context, width, height, colour: (variable) => style.getPropertyValue(variable).trim() });
  }, [draw, width, height, theme.value, dark]);
  return <canvas {...attributes} ref={canvas} style={{ width: '100%', height: `${height}px`, display: 'block' }} />;
}

/** CSS pixels; 0 before it is known. */
export function useWidth(element: RefObject<Element | null>): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (!element.current) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

function usePrefersDark(): boolean {
  const query = useRef(matchMedia('(prefers-color-scheme: dark)'));
  const [dark, setDark] = useState(query.current.matches);
  useEffect(() => {
    const listen = () => setDark(query.current.matches);
    query.current.addEventListener('change', listen);
    return () => query.current.removeEventListener('change', listen);
  }, []);
  return dark;
}
