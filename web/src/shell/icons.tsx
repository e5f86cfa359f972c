import type { ComponentChildren } from 'preact';

/** Drawn on 24 units with a line of 1.6; beside a text or in a labelled button, so they say nothing themselves. */
function icon(children: ComponentChildren) {
  return function Icon({ size = 18 }: { readonly size?: number }) {
    return (
      <svg
        class="icon"
        width={size}
        height={size}
        viewBox="0 0 24 24"
        fill="none"
        stroke="currentColor"
        stroke-width="1.6"
        stroke-linecap="round"
        stroke-linejoin="round"
        aria-hidden="true"
      >
        {children}
      </svg>
    );
  };
}

export const ChatIcon = icon(
  <path d="M4 6.5A2.5 2.5 0 0 1 6.5 4h11A2.5 2.5 0 0 1 20 6.5v7a2.5 2.5 0 0 1-2.5 2.5H11l-4.5 4v-4A2.5 2.5 0 0 1 4 13.5z" />,
);
export const InspectIcon = icon(
  <>
    <circle cx="10.5" cy="10.5" r="6" />
    <path d="m15 15 5 5M8 10.5h5M10.5 8v5" />
  </>,
);
export const ModelsIcon = icon(
  <>
    <path d="m12 3 8 4.5-8 4.5-8-4.5z" />
    <path d="m4 12 8 4.5 8-4.5M4 16.5 12 21l8-4.5" />
  </>,
);
export const DashboardIcon = icon(
  <>
    <path d="M4 19.5h16" />
    <path d="m4.5 14 4-5 4 3.5L19.5 5" />
  </>,
);
export const PlusIcon = icon(<path d="M12 5v14M5 12h14" />);
export const SearchIcon = icon(
  <>
    <circle cx="11" cy="11" r="6" />
    <path d="m15.5 15.5 4.5 4.5" />
  </>,
);
export const MenuIcon = icon(<path d="M4 7h16M4 12h16M4 17h16" />);
export const CloseIcon = icon(<path d="m6 6 12 12M18 6 6 18" />);
export const SunIcon = icon(
  <>
    <circle cx="12" cy="12" r="4" />
    <path d="M12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1 1M17.4 17.4l1 1M5.6 18.4l1-1M17.4 6.6l1-1" />
  </>,
);
export const MoonIcon = icon(<path d="M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10z" />);
export const SystemIcon = icon(
  <>
    <circle cx="12" cy="12" r="8" />
    <path d="M12 4v16a8 8 0 0 0 0-16z" fill="currentColor" />
  </>,
);
export const HelpIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M9.7 9.5a2.4 2.4 0 1 1 3.4 2.2c-.7.3-1.1.9-1.1 1.6M12 16.4v.1" />
  </>,
);
export const SendIcon = icon(<path d="M12 19V5M6 11l6-6 6 6" />);
export const StopIcon = icon(<rect x="7" y="7" width="10" height="10" rx="1.5" fill="currentColor" />);
export const CopyIcon = icon(
  <>
    <rect x="8.5" y="8.5" width="11" height="11" rx="2" />
    <path d="M15.5 5.5v-.2A1.8 1.8 0 0 0 13.7 3.5H6.3A1.8 1.8 0 0 0 4.5 5.3v7.4a1.8 1.8 0 0 0 1.8 1.8h.2" />
  </>,
);
export const CheckIcon = icon(<path d="m5 12.5 4.5 4.5L19 7.5" />);
export const EditIcon = icon(
  <path d="M4.5 19.5 5.5 15 15.5 5a2 2 0 0 1 2.9 0l.6.6a2 2 0 0 1 0 2.9l-10 10zM14 6.5l3.5 3.5" />,
);
export const RetryIcon = icon(<path d="M19.5 12A7.5 7.5 0 1 1 17 6.4M19.5 3.5V8H15" />);
export const TrashIcon = icon(<path d="M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 10.5v5.5M13.5 10.5v5.5" />);
export const LeftIcon = icon(<path d="m14.5 6-6 6 6 6" />);
export const RightIcon = icon(<path d="m9.5 6 6 6-6 6" />);
export const DownIcon = icon(<path d="m6 9.5 6 6 6-6" />);
export const SettingsIcon = icon(
  <>
    <path d="M4 7.5h9M18.5 7.5H20M4 16.5h1.5M11 16.5h9" />
    <circle cx="15.7" cy="7.5" r="2.5" />
    <circle cx="8.3" cy="16.5" r="2.5" />
  </>,
);
export const ThoughtIcon = icon(
  <path d="M9 18h6M10 21h4M8 14.5A6 6 0 1 1 16 14.5c-.7.7-1 1.3-1 2.2V18H9v-1.3c0-.9-.3-1.5-1-2.2z" />,
);
export const ToolIcon = icon(
  <path
    d="M14.5 6.5a4 4 0 0 1 5.2-2.3L17 7l.5 2.5L20 10l2-2.2a4 4 0 0 1-5.7 4.4L8.5 20a2.1 2.1 0 0 1-3-3l7.8-7.8a4 4 0 0 1 1.2-2.7z"
    transform="translate(-1 0)"
  />,
);
export const GlobeIcon = icon(
  <>
    <circle cx="12" cy="12" r="8.5" />
    <path d="M3.5 12h17M12 3.5c2.3 2.4 3.5 5.2 3.5 8.5S14.3 18.1 12 20.5C9.7 18.1 8.5 15.3 8.5 12S9.7 5.9 12 3.5z" />
  </>,
);
export const CodeIcon = icon(<path d="m8 7-5 5 5 5M16 7l5 5-5 5" />);
export const FileIcon = icon(<path d="M6 3.5h8l4.5 4.5v12.5H6zM14 3.5V8h4.5" />);
export const MoreIcon = icon(<path d="M5.5 12h.01M12 12h.01M18.5 12h.01" stroke-width="2.4" />);
export const DownloadIcon = icon(<path d="M12 4v11M7 10.5l5 5 5-5M5 20h14" />);
export const UploadIcon = icon(<path d="M12 15.5v-11M7 9l5-5 5 5M5 20h14" />);
export const WarnIcon = icon(<path d="M12 4 2.8 19.5h18.4zM12 10v4.5M12 17v.1" />);
export const KeyIcon = icon(
  <>
    <circle cx="8" cy="15.5" r="4" />
    <path d="m11 12.5 8-8M16 7.5l2.5 2.5M13.5 10l1.8 1.8" />
  </>,
);
