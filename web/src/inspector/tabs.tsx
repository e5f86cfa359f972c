import type { Signal } from '@preact/signals';

export interface TabsProps<Name extends string> {
  readonly label: string;
  readonly names: Readonly<Record<Name, string>>;
  readonly chosen: Signal<Name>;
  /** Id of the panel that shows what is chosen. */
  readonly panel: string;
}

/** One stop of the Tab key; arrows go from tab to tab. */
export function Tabs<Name extends string>({ label, names, chosen, panel }: TabsProps<Name>) {
  const all = Object.keys(names) as Name[];
  const choose = (name: Name, list: Element) => {
    chosen.value = name;
    list.querySelector<HTMLElement>(`[data-name="${name}"]`)?.focus();
  };
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label={label}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        const at = (all.indexOf(chosen.value) + by + all.length) % all.length;
        choose(all[at]!, event.currentTarget);
      }}
    >
      {all.map((name) => (
        <button
          key={name}
          type="button"
          role="tab"
          data-name={name}
          aria-selected={chosen.value === name}
          aria-controls={panel}
          tabIndex={chosen.value === name ? 0 : -1}
          onClick={() => {
            chosen.value = name;
          }}
        >
          {names[name]}
        </button>
      ))}
    </div>
  );
}
