// One figure without a kernel: draws rows, at once through the overlay or through Plotly.

import { Overlay } from "./overlay.js";
import { missingParts } from "./plotly.js";
import { readRow, sameTrace } from "./rows.js";

/** @typedef {import("./plotly.js").Plot} Plot */
/** @typedef {import("./rows.js").Trace} Trace */
/** @typedef {import("./rows.js").Line} Line */
/** @typedef {Record<string, number[]>} Ranges ends of axes, as {"yaxis2.range": [low, high]} */
/**
 * @typedef {object} Spec What Python says of a figure (see `LiveFigure`).
 * @property {{data: any[], layout: any}} figure
 * @property {string} label
 * @property {import("./rows.js").Piece[]} layout_of_row
 * @property {number} size of a row
 * @property {import("./states.js").Grid[]} grids
 * @property {import("./states.js").Key} first
 * @property {{index: number, controls: number[]}[]} clicks
 */

// No button that sends the figure to a server: the course talks to nobody.
const BUTTONS = ["toImage", "zoom2d", "pan2d", "resetScale2d"];
const TOOLBAR = { displaylogo: false, showSendToCloud: false, displayModeBar: "hover", modeBarButtons: [BUTTONS] };

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
    this.overlay = new Overlay(plot);
    this.moving = spec.layout_of_row;
    // The traces that the overlay can draw; bars and heat maps are left to Plotly.
    this.light = new Set(this.moving.map((t) => t.index).filter((i) => spec.figure.data[i].type === "scatter"));
    /** @type {Trace[] | null} */
    this.last = null;
    this.ranges = "";
    this.queue = Promise.resolve();
    this.heavyBusy = false;
    /** @type {string[]} */
    this.missing = []; // private parts of plotly.js that aren't there
  }
  /**
   * @param {Float32Array} row
   * @param {Ranges} ranges
   */
  async start(row, ranges) {
    const { data, layout } = this.spec.figure;
    for (const index of this.light) {
      data[index].line = { simplify: false, ...data[index].line }; // else it jumps by 0.7 px when Plotly takes over
    }
    this.last = readRow(this.moving, row);
    this.probe(data, layout);
    await this.Plotly.newPlot(this.plot, data, layout, TOOLBAR);
    this.missing = [...new Set([...this.light].flatMap((index) => missingParts(this.plot, index)))];
    if (this.missing.length) {
      console.warn(`This plotly.js lacks ${this.missing.join(", ")}: lines move as fast as it redraws them itself.`);
      this.light.clear();
    }
    this.overlay.learn([...this.light]);
    await this.redraw(this.last);
    await this.setRanges(ranges);
  }
  /**
   * Give every moving line two points, so that Plotly makes each of its elements once.
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
  /** @param {Trace[]} traces */
  redraw(traces) {
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
    const indices = (/** @type {Trace[]} */ some) => some.map((trace) => trace.index);
    return this.inTurn(async () => {
      if (lines.length) await this.Plotly.restyle(this.plot, { x, y }, indices(lines));
      if (maps.length) await this.Plotly.restyle(this.plot, { z }, indices(maps));
    });
  }
  /**
   * Plotly does one thing at a time.
   * @param {() => Promise<void>} work
   */
  inTurn(work) {
    this.queue = this.queue.then(work);
    return this.queue;
  }
  /**
   * Axes that move do so at once, since they move seldom; an axis that a reader zoomed stays until then.
   * @param {Ranges} ranges
   */
  setRanges(ranges) {
    const wanted = JSON.stringify(ranges);
    if (wanted === this.ranges || wanted === "{}") return Promise.resolve();
    this.ranges = wanted;
    return this.inTurn(() => this.Plotly.relayout(this.plot, ranges));
  }
  drawLight() {
    const isLight = (/** @type {Trace} */ trace) => trace.kind !== "z" && this.light.has(trace.index);
    this.overlay.draw(/** @type {Line[]} */ ((this.last ?? []).filter(isLight)));
  }
  /**
   * Draw now, at screen rate; bars and heat maps go through Plotly, one redraw at a time.
   * @param {Float32Array} row
   * @param {Ranges} ranges
   */
  move(row, ranges) {
    const traces = readRow(this.moving, row);
    const before = this.last;
    const rangesBefore = this.ranges;
    this.last = traces;
    const moved = this.setRanges(ranges);
    if (this.ranges !== rangesBefore) moved.then(() => this.overlay.shown && this.drawLight());
    this.drawLight();
    const heavy = traces.filter((trace, i) => !this.light.has(trace.index) && !sameTrace(trace, before?.[i]));
    if (!heavy.length || this.heavyBusy) return;
    this.heavyBusy = true;
    this.redraw(heavy).finally(() => {
      this.heavyBusy = false;
    });
  }
  /**
   * Hand over to Plotly: hover, zoom and legend are right again.
   * @param {() => boolean} stillResting
   */
  async settle(stillResting) {
    await this.redraw(this.last ?? []);
    if (stillResting()) this.overlay.hide();
  }
  resize() {
    this.Plotly.Plots.resize(this.plot);
  }
  stop() {
    this.Plotly.purge(this.plot);
  }
}
