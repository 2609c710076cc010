// One figure, independent of any kernel: it draws rows, immediately through the overlay or through Plotly.

import { Axes, axisOfRange } from "./axes.js";
import { Overlay } from "./overlay.js";
import { missingParts } from "./plotly.js";
import { readRow, sameTrace } from "./rows.js";

/** @typedef {import("./plotly.js").Plot} Plot */
/** @typedef {import("./rows.js").Trace} Trace */
/** @typedef {import("./rows.js").Line} Line */
/** @typedef {Record<string, number[]>} Ranges ends of axes, as {"yaxis2.range": [low, high]} */
/**
 * @typedef {object} Spec A figure's description from Python (see `LiveFigure`).
 * @property {{data: any[], layout: any}} figure
 * @property {string} label
 * @property {import("./rows.js").Piece[]} layout_of_row
 * @property {number} size of a row
 * @property {import("./states.js").Grid[]} grids
 * @property {import("./states.js").Key} first
 * @property {{index: number, controls: number[]}[]} clicks
 * @property {View[]} views
 * @property {Patch} wide the figure's usual layout
 * @property {Patch} narrow its layout on a narrow page
 * @property {[number, number] | null} beside where there is room for it, the networks stand over the plots up to the first
 *   of these shares of the width; the other plots begin at the second, beside them
 */
/** @typedef {Record<string, any>} Patch an argument of `Plotly.relayout` */
/**
 * @typedef {object} View One of the views between which the reader switches.
 * @property {string} name
 * @property {string[]} hides plots, as "x2y2"
 * @property {Patch} patch
 * @property {boolean[]} legend whether it names each trace
 */

// No button that sends the figure to a server: the course makes no network connections.
const BUTTONS = ["toImage", "zoom2d", "pan2d", "resetScale2d"];
const TOOLBAR = { displaylogo: false, showSendToCloud: false, displayModeBar: "hover", modeBarButtons: [BUTTONS] };

const NARROW = 640; // pixels; narrower figures have their plots one below the other
const NARROW_BESIDE = 840; // the same for figures with plots beside their networks

/**
 * Ranges of axes that contain both the shown and the wanted ranges.
 * @param {Ranges} shown
 * @param {Ranges} wanted
 */
export function widened(shown, wanted) {
  /** @type {Ranges} */
  const out = {};
  for (const [axis, [low, high]] of Object.entries(wanted)) {
    const [lowest, highest] = shown[axis] ?? [low, high];
    out[axis] = [Math.min(low, lowest), Math.max(high, highest)];
  }
  return out;
}

/**
 * The wanted ranges that differ from the current ones.
 * @param {Ranges} wanted
 * @param {Ranges} there
 */
export function unlike(wanted, there) {
  const differs = (/** @type {[string, number[]]} */ [axis, ends]) =>
    there[axis]?.[0] !== ends[0] || there[axis][1] !== ends[1];
  return Object.fromEntries(Object.entries(wanted).filter(differs));
}

/**
 * The axes that belong to these plots and to no other.
 * @param {string[]} plots as "x2y2"
 * @param {{xaxis?: string, yaxis?: string}[]} traces those of the figure
 */
export function axesOnlyIn(plots, traces) {
  /** @type {Set<string>} */
  const inside = new Set();
  /** @type {Set<string>} */
  const elsewhere = new Set();
  for (const { xaxis = "x", yaxis = "y" } of traces)
    for (const id of [xaxis, yaxis]) (plots.includes(xaxis + yaxis) ? inside : elsewhere).add(id);
  return new Set([...inside].filter((id) => !elsewhere.has(id)));
}

/**
 * How Plotly draws a line: with a dot if it has one point only, of which it would draw nothing.
 * @param {any} trace as Python describes it
 * @param {Line} line
 */
export function modeOf({ mode, line }, { y }) {
  if (mode !== "lines" || !line.width) return mode;
  let known = 0;
  for (let i = 0; i < y.length; i++) known += Number.isNaN(y[i]) ? 0 : 1;
  return known === 1 ? "lines+markers" : mode;
}

export class Picture {
  /**
   * @param {Plot} plot
   * @param {Spec} spec
   * @param {import("./plotly.js").Plotly} Plotly
   */
  constructor(plot, spec, Plotly) {
    this.plot = plot;
    this.spec = spec;
    this.Plotly = Plotly;
    this.moving = spec.layout_of_row;
    // The traces that the overlay can draw; Plotly draws bars and heat maps.
    this.light = new Set(this.moving.map((t) => t.index).filter((i) => spec.figure.data[i].type === "scatter"));
    this.axes = new Axes(plot, this.light);
    this.overlay = new Overlay(plot, this.axes);
    /** @type {Trace[] | null} */
    this.last = null;
    /** @type {Ranges} */
    this.drawnRanges = {}; // the last that were passed to Plotly
    /** @type {Ranges} */
    this.shownRanges = {}; // the visible ones, drawn by Plotly or by `axes`
    /** @type {Ranges} */
    this.wantedRanges = {};
    /** @type {string[]} */
    this.hides = []; // the plots that the chosen view hides, as "x2y2"
    this.narrow = false;
    this.queue = Promise.resolve();
    this.heavyBusy = false;
    /** @type {string[]} */
    this.missing = []; // names of private parts that this plotly.js lacks
  }
  /**
   * @param {Float32Array} row
   * @param {Ranges} ranges
   */
  async start(row, ranges) {
    const { data, layout } = this.spec.figure;
    for (const index of this.light) {
      data[index].line = { simplify: false, ...data[index].line }; // else it jumps by 0.7 px when Plotly redraws it
      data[index].marker ??= { size: 2 * (data[index].line.width ?? 0) }; // of a line of one point
    }
    this.last = readRow(this.moving, row);
    this.probe(data, layout);
    this.stand(false);
    await this.Plotly.newPlot(this.plot, data, layout, TOOLBAR);
    this.missing = [...new Set([...this.light].flatMap((index) => missingParts(this.plot, index)))];
    if (this.missing.length) {
      console.warn(`This plotly.js lacks ${this.missing.join(", ")}: lines move only as fast as it redraws them.`);
      this.light.clear();
    }
    this.overlay.learn([...this.light]);
    this.wantedRanges = this.shownRanges = ranges;
    await this.redraw(this.last, ranges);
    await this.fit();
  }
  /**
   * Give every moving line two points, so that Plotly creates all of its elements.
   * @param {any[]} data
   * @param {any} layout
   */
  probe(data, layout) {
    const ends = (/** @type {any} */ axis) =>
      axis?.range ? axis.range.map((/** @type {number} */ v) => (axis.type === "log" ? 10 ** v : v)) : [1, 2];
    for (const index of this.light) {
      data[index].x = ends(layout[(data[index].xaxis ?? "x").replace("x", "xaxis")]);
      data[index].y = ends(layout[(data[index].yaxis ?? "y").replace("y", "yaxis")]);
    }
  }
  /**
   * Let Plotly draw traces and, in the same redraw, axes; an axis whose range is unchanged keeps a reader's zoom.
   * @param {Trace[]} traces
   * @param {Ranges} [ranges]
   */
  redraw(traces, ranges = {}) {
    /** @type {Line[]} */
    const lines = [];
    /** @type {import("./rows.js").HeatMap[]} */
    const maps = [];
    for (const trace of traces) {
      if (trace.kind === "z") maps.push(trace);
      else lines.push(trace);
    }
    const x = lines.map((line) => Array.from(line.x));
    const y = lines.map((line) => Array.from(line.y, (v) => (Number.isNaN(v) ? null : v)));
    const z = maps.map((map) => map.z.map((row) => Array.from(row)));
    const mode = lines.map((line) => modeOf(this.spec.figure.data[line.index], line));
    const indices = (/** @type {Trace[]} */ some) => some.map((trace) => trace.index);
    return this.inTurn(async () => {
      const patch = structuredClone(unlike(ranges, this.drawnRanges)); // Plotly keeps a reference to its arguments
      this.drawnRanges = { ...this.drawnRanges, ...ranges };
      if (lines.length) await this.Plotly.update(this.plot, { x, y, mode }, patch, indices(lines));
      else if (Object.keys(patch).length) await this.Plotly.relayout(this.plot, patch);
      if (maps.length) await this.Plotly.restyle(this.plot, { z }, indices(maps));
    });
  }
  /**
   * Run calls of Plotly one after the other.
   * @param {() => Promise<void>} work
   */
  inTurn(work) {
    this.queue = this.queue.then(work);
    return this.queue;
  }
  /**
   * Show axes over their ranges without Plotly where possible: its redraw would cost frames. Axes that the chosen view
   * hides wait until the control rests.
   */
  placeAxes() {
    const hidden = axesOnlyIn(this.hides, this.spec.figure.data);
    const moved = Object.entries(unlike(this.shownRanges, this.drawnRanges));
    const left = this.axes.show(Object.fromEntries(moved.filter(([key]) => !hidden.has(axisOfRange(key)))));
    if (Object.keys(left).length) this.redraw([], left).then(() => this.drawAgain());
  }
  /** Draw the overlay again after Plotly has drawn. */
  drawAgain() {
    if (!this.overlay.shown) return;
    this.axes.show({});
    this.placeAxes();
    this.drawLight();
  }
  /**
   * Show one of the views.
   * @param {number} number
   */
  look(number) {
    const { hides, patch, legend } = this.spec.views[number];
    this.hides = hides;
    this.plot.dataset.hides = hides.join(" ");
    const names = { showlegend: [...legend] };
    return this.inTurn(() => this.Plotly.update(this.plot, names, { ...patch })).then(() => this.drawAgain());
  }
  /** Place plots side by side if there is room, otherwise one below the other. */
  fit() {
    const narrow = this.plot.clientWidth < (this.spec.beside ? NARROW_BESIDE : NARROW);
    if (narrow === this.narrow || !this.plot.clientWidth) return Promise.resolve();
    this.stand(narrow);
    const patch = narrow ? this.spec.narrow : this.spec.wide;
    return this.inTurn(async () => {
      // Plotly places the legend by the previous margins; at the second call these are the right ones.
      for (let turn = 0; turn < 2; turn++) await this.Plotly.relayout(this.plot, structuredClone(patch));
    });
  }
  /** @param {boolean} narrow */
  stand(narrow) {
    this.narrow = narrow;
    const { beside } = this.spec;
    const host = this.plot.parentElement;
    if (!beside || !host) return;
    host.toggleAttribute("data-beside", !narrow);
    host.toggleAttribute("data-under", narrow);
    host.style.setProperty("--networks-end", String(beside[0]));
    host.style.setProperty("--beside-start", String(beside[1]));
  }
  drawLight() {
    const isLight = (/** @type {Trace} */ trace) => trace.kind !== "z" && this.light.has(trace.index);
    this.overlay.draw(/** @type {Line[]} */ ((this.last ?? []).filter(isLight)));
  }
  /**
   * Draw immediately, at screen rate; bars and heat maps are drawn by Plotly, one redraw at a time.
   * @param {Float32Array} row
   * @param {Ranges} ranges
   */
  move(row, ranges) {
    const traces = readRow(this.moving, row);
    const before = this.last;
    this.last = traces;
    this.wantedRanges = ranges;
    this.shownRanges = widened(this.shownRanges, ranges);
    this.placeAxes();
    this.drawLight();
    const heavy = traces.filter((trace, i) => !this.light.has(trace.index) && !sameTrace(trace, before?.[i]));
    if (!heavy.length || this.heavyBusy) return;
    this.heavyBusy = true;
    this.redraw(heavy).finally(() => {
      this.heavyBusy = false;
    });
  }
  /**
   * Let Plotly redraw the figure, so that hover, zoom and legend are right again.
   * @param {() => boolean} stillResting
   */
  async settle(stillResting) {
    const ranges = this.wantedRanges;
    await this.redraw(this.last ?? [], ranges);
    if (stillResting()) {
      this.shownRanges = ranges;
      this.axes.show({});
      this.overlay.hide();
    } else this.drawAgain();
  }
  async resize() {
    await this.fit();
    await this.Plotly.Plots.resize(this.plot);
    this.drawAgain();
  }
  stop() {
    this.Plotly.purge(this.plot);
  }
}
