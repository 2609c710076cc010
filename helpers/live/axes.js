// Axes that move while a control moves: their marks replace those of Plotly, which needs several frames to draw them
// and does so as soon as the control rests.

import { anchoredTo, drawnAxis, marksOf, tracesOn } from "./plotly.js";

/** @typedef {import("./paths.js").Axis} Axis */
/** @typedef {import("./plotly.js").Plot} Plot */
/** @typedef {import("./plotly.js").DrawnAxis} DrawnAxis */
/** @typedef {import("./picture.js").Ranges} Ranges */
/** @typedef {[number, number]} Ends */

const STEPS = [2, 5, 10]; // distances between ticks, in a power of ten
const LARGEST = 10_000; // from here on Plotly writes "10k"
const SMALLEST = 0.001;
const INSIDE = 1; // pixels from an end of the axis; there is no grid line nearer than that
const ENDS = 1e-4; // share of the range by which a tick at its end may lie outside

/**
 * The distance that Plotly would choose between ticks.
 * @param {Ends} ends
 * @param {number} most their approximate largest number
 */
export function tickStep([low, high], most) {
  const rough = Math.abs(high - low) / most;
  const base = 10 ** Math.floor(Math.log(rough) / Math.LN10);
  return base * (STEPS.find((step) => step > rough / base) ?? 10);
}

/**
 * @param {Ends} ends
 * @param {number} step
 */
export function ticksBetween([low, high], step) {
  const slack = ENDS * (high - low);
  const first = Math.ceil((low - slack) / step);
  const last = Math.floor((high + slack) / step);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(10)) + 0);
}

/** @param {number} value as Plotly writes it */
export const tickText = (value) => String(value).replace("-", "\u2212");

/** @param {DrawnAxis} axis */
const mostTicks = ({ settings, length, isAcross }) =>
  settings.nticks || Math.min(9, Math.max(4, length / (isAcross ? 80 : 40))) + 1;

/** @typedef {{kind: string, mark: SVGElement, home: SVGGElement, group: SVGGElement, copies: SVGElement[]}} Row */

/**
 * A group for copies of a mark, in place of Plotly's own.
 * @param {string} kind of the mark: "grid", "tick" or "label"
 * @param {SVGElement} mark
 * @returns {Row}
 */
function rowOf(kind, mark) {
  const home = /** @type {SVGGElement} */ (mark.parentNode);
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
  group.setAttribute("class", "live-axis");
  home.after(group);
  home.style.display = "none";
  return { kind, mark, home, group, copies: [] };
}

/**
 * One of Plotly's axes, shown over another range than the one that Plotly has drawn.
 * @implements {Axis}
 */
class MovedAxis {
  /**
   * @param {Plot} plot
   * @param {DrawnAxis} axis
   * @param {Ends} ends
   */
  constructor(plot, axis, ends) {
    this.axis = axis;
    this.ends = ends;
    this.type = axis.type;
    /** @type {Row[]} */
    this.rows = [];
    this.anchored = anchoredTo(plot, axis) ?? [];
    const marks = axis.settings.visible ? marksOf(plot, axis) : null;
    for (const [kind, mark] of Object.entries(marks ?? {})) if (mark) this.rows.push(rowOf(kind, mark));
    this.move(ends);
  }
  /**
   * Change the ends: drawn elements are moved, since new elements would cost the browser more than everything else.
   * @param {Ends} ends
   */
  move(ends) {
    this.ends = ends;
    const values = ticksBetween(ends, tickStep(ends, mostTicks(this.axis)));
    const inside = values.filter((value) => {
      const at = this.c2p(value);
      return at > INSIDE && at < this.length - INSIDE;
    });
    for (const row of this.rows) this.put(row, row.kind === "grid" ? inside : values);
    this.shift();
  }
  get length() {
    return this.axis.length;
  }
  get offset() {
    return this.axis.offset;
  }
  /** @param {number | null} value */
  c2p(value) {
    if (value === null) return NaN;
    const share = (value - this.ends[0]) / (this.ends[1] - this.ends[0]);
    return this.length * (this.axis.isAcross ? share : 1 - share);
  }
  /**
   * A copy of one of Plotly's marks at each value.
   * @param {Row} row
   * @param {number[]} values
   */
  put({ kind, mark, group, copies }, values) {
    for (let i = copies.length; i < values.length; i++) {
      copies.push(/** @type {SVGElement} */ (mark.cloneNode(true)));
      group.append(copies[i]);
    }
    copies.forEach((copy, i) => {
      copy.style.display = i < values.length ? "" : "none";
      if (i >= values.length) return;
      const at = this.offset + this.c2p(values[i]);
      const moved = copy.localName === "g" ? /** @type {SVGElement} */ (copy.firstElementChild) : copy;
      moved.setAttribute("transform", this.axis.isAcross ? `translate(${at},0)` : `translate(0,${at})`);
      moved.style.display = copy.style.display;
      if (kind === "label") relabel(copy, tickText(values[i]));
    });
  }
  /** Move the elements at a value of the axis with it, or hide them. */
  shift() {
    for (const { element, value } of this.anchored) {
      const at = this.c2p(value);
      const by = at - this.axis.c2p(value);
      element.setAttribute("transform", this.axis.isAcross ? `translate(${by},0)` : `translate(0,${by})`);
      element.style.display = at < 0 || at > this.length ? "none" : "";
    }
  }
  /** Whether Plotly's axis is unchanged. */
  isThere() {
    return this.rows.every(({ group, home }) => group.isConnected && home.isConnected);
  }
  /** Show Plotly's own marks again. */
  remove() {
    for (const { group, home } of this.rows) {
      group.remove();
      home.style.display = "";
    }
    for (const { element } of this.anchored) {
      element.removeAttribute("transform");
      element.style.display = "";
    }
  }
}

/**
 * @param {SVGElement} label
 * @param {string} text replaces its number, or the exponent of a power of ten
 */
function relabel(label, text) {
  const words = label.querySelector("text");
  const place = words?.querySelector("tspan") ?? words;
  if (place && place.textContent !== text) place.textContent = text;
}

/** The axes of a figure as they are shown while a control moves. */
export class Axes {
  /**
   * @param {Plot} plot
   * @param {Set<number>} light the traces that the overlay draws while a control moves
   */
  constructor(plot, light) {
    this.plot = plot;
    this.light = light;
    /** @type {Map<string, MovedAxis>} */
    this.moved = new Map(); // by id: those that differ from what Plotly has drawn
  }
  /**
   * An axis as it is shown now, if the figure is drawn and has it.
   * @param {string} id as traces name it: "x2"
   * @returns {Axis | undefined}
   */
  of(id) {
    return this.moved.get(id) ?? drawnAxis(this.plot, id);
  }
  /**
   * Show axes over these ranges, and all others as Plotly has drawn them. Return the ranges that are left to Plotly.
   * @param {Ranges} ranges
   */
  show(ranges) {
    /** @type {Ranges} */
    const left = {};
    const asked = new Set(Object.keys(ranges).map(axisOfRange));
    for (const [id, axis] of this.moved) if (!asked.has(id)) this.take(id, axis);
    for (const [key, [low, high]] of Object.entries(ranges)) {
      const id = axisOfRange(key);
      const before = this.moved.get(id);
      if (before?.ends[0] === low && before.ends[1] === high) continue;
      const axis = drawnAxis(this.plot, id);
      const possible = axis && canMove(this.plot, axis, [low, high], this.light);
      if (possible && before?.isThere()) before.move([low, high]);
      else {
        if (before) this.take(id, before);
        if (possible) this.moved.set(id, new MovedAxis(this.plot, axis, [low, high]));
        else left[key] = [low, high];
      }
    }
    return left;
  }
  /**
   * @param {string} id
   * @param {MovedAxis} axis
   */
  take(id, axis) {
    axis.remove();
    this.moved.delete(id);
  }
}

/** @param {string} key in a layout: "xaxis2.range" */
export const axisOfRange = (key) => key.replace("axis", "").replace(".range", "");

/**
 * Whether this axis, and everything that depends on it, can be drawn over this range as Plotly would draw it.
 * @param {Plot} plot
 * @param {DrawnAxis} axis
 * @param {Ends} ends
 * @param {Set<number>} light
 */
function canMove(plot, axis, [low, high], light) {
  const { type, tickmode, tickformat, visible } = axis.settings;
  if (type !== "linear" || tickmode !== "auto" || tickformat) return false;
  const step = tickStep([low, high], mostTicks(axis));
  if (!(low < high) || Math.max(Math.abs(low), Math.abs(high)) >= LARGEST || step < SMALLEST) return false;
  if (visible && !marksOf(plot, axis)) return false;
  return tracesOn(plot, axis).every((index) => light.has(index)) && anchoredTo(plot, axis) !== null;
}
