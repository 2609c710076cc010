// The global names that a page's scripts define for each other; only for the type checker.

type LiveModule = typeof import("../../live/live.js");
type RowsModule = typeof import("../../live/rows.js");
type StatesModule = typeof import("../../live/states.js");

/** live.js, made into one classic script by helpers/publish/cells/assets.py. */
declare const courseLive: Pick<LiveModule, "Live"> &
  Pick<RowsModule, "unpackRows" | "inflate"> &
  Pick<StatesModule, "nearestIndex">;

declare const Plotly: any;
/** plotly.js, compressed with gzip, in base64; written by helpers/publish/cells/assets.py. */
declare const coursePlotly: string;
declare const Reveal: any;
declare const RevealNotes: any;

/** The data of a panel in a page's table. */
interface PanelData {
  spec: import("../../live/picture.js").Spec & {
    first: import("../../live/states.js").Key;
    grids: import("../../live/states.js").Grid[];
    figure: { layout: { height: number } };
  };
  row: string;
  notes: import("../../live/rows.js").Notes;
  controls: Described[];
  presets: State[];
  table?: { index: string; columns: string };
}

/** The panels of a page by tag, and its questions by name; a question has the tag of the panel that shows its answer. */
declare var courseData: { [name: string]: any } | undefined;
