// What scripts that a page loads one after another find in the global scope; for the type checker alone.

type LiveModule = typeof import("../../live/live.js");
type RowsModule = typeof import("../../live/rows.js");
type StatesModule = typeof import("../../live/states.js");

/** live.js, as helpers/publish/cells/assets.py makes it one script. */
declare const courseLive: Pick<LiveModule, "Live"> &
  Pick<RowsModule, "unpackRows" | "inflate"> &
  Pick<StatesModule, "nearestIndex">;

declare const Plotly: any;
/** plotly.js, compressed with gzip, as base64: helpers/publish/cells/assets.py writes it. */
declare const coursePlotly: string;
declare const Reveal: any;
declare const RevealNotes: any;

/** What a page's table holds of a panel. */
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
