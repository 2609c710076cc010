// The overlay: while a control moves, moving lines are drawn directly into Plotly's SVG, beside its own elements.

import { dotPath, fillPath, linePath, NOTHING, runsOf } from "./paths.js";
import { elementsOf, traceOf } from "./plotly.js";

/** @typedef {import("./paths.js").Run} Run */
/** @typedef {import("./plotly.js").Plot} Plot */
/** @typedef {import("./rows.js").Line} Line */
/** @typedef {NonNullable<ReturnType<Overlay["layer"]>>} Layer */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Write only attributes that differ, so that the browser repaints only elements that have moved.
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
const put = (element, name, value) => element.getAttribute(name) !== value && element.setAttribute(name, value);

/**
 * @template {SVGElement} T
 * @param {T | null | undefined} element
 * @returns {T | null}
 */
const copyOf = (element) => /** @type {T | null} */ (element?.cloneNode(false) ?? null);

/**
 * A group of the overlay directly after one of Plotly's.
 * @param {SVGElement | null} home
 * @param {string} name
 * @param {SVGElement | null} wanted its future content
 */
function groupBehind(home, name, wanted) {
  if (!home || !wanted) return null;
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `live-${name}`);
  home.after(group);
  return group;
}

/**
 * @param {SVGElement | null} home
 * @param {SVGElement | null} template
 * @param {string} name
 */
function addCopy(home, template, name) {
  const copy = home && copyOf(template);
  if (!copy) return null;
  copy.setAttribute("class", name);
  copy.style.opacity = "";
  home.append(copy);
  return copy;
}

/** Copies of Plotly's own elements, one set per trace, shown in their place while something moves. */
export class Overlay {
  /**
   * @param {Plot} plot
   * @param {import("./axes.js").Axes} axes
   */
  constructor(plot, axes) {
    this.plot = plot;
    this.axes = axes;
    /** @type {Map<number, Record<"line" | "fill" | "next" | "point", SVGElement | null>>} */
    this.templates = new Map(); // by trace: the elements to copy
    /** @type {Map<number, any>} */
    this.layers = new Map(); // by trace: the elements drawn now
    this.shown = false;
  }
  /**
   * Store how Plotly styles every trace; called once, while every trace has a point.
   * @param {number[]} indices
   */
  learn(indices) {
    for (const index of indices) {
      const trace = traceOf(this.plot, index);
      const elements = elementsOf(this.plot, trace);
      if (!elements) continue;
      const fills = [...elements.fills];
      const own = ["toself", "tozeroy", "tozerox"].includes(trace.fill);
      this.templates.set(index, {
        line: trace.line?.width ? copyOf(elements.line) : null,
        fill: own ? copyOf(fills.shift()) : null,
        next: copyOf(fills.shift()),
        point: copyOf(elements.point),
      });
    }
  }
  /**
   * The overlay's elements beside Plotly's, recreated if Plotly has removed them.
   * @param {number} index
   */
  layer(index) {
    const known = this.layers.get(index);
    if (known?.group.isConnected) return known;
    const template = this.templates.get(index);
    const elements = elementsOf(this.plot, traceOf(this.plot, index));
    if (!elements || !template) return null;
    const { group, fillHome, lineHome, pointHome } = elements;
    const fills = groupBehind(fillHome, "fills", template.fill ?? template.next);
    const lines = groupBehind(lineHome, "lines", template.line);
    const points = groupBehind(pointHome, "points", template.point);
    const made = {
      group,
      own: [fillHome, lineHome, pointHome].filter((each) => each !== null),
      homes: [fills, lines, points].filter((each) => each !== null),
      points,
      /** @type {SVGElement[]} */
      pool: [],
      point: template.point,
      next: addCopy(fills, template.next, "live-path"),
      fill: addCopy(fills, template.fill, "live-path"),
      line: addCopy(lines, template.line, "live-path"),
    };
    for (const path of [made.next, made.fill, made.line]) path?.setAttribute("d", NOTHING);
    this.layers.set(index, made);
    return made;
  }
  /** @param {Line[]} lines in drawing order */
  draw(lines) {
    /** @type {Map<string, {layer: Layer, runs: Run[], fill: string}>} */
    const before = new Map(); // by plot: the line before
    this.shown = true;
    const hidden = (this.plot.dataset.hides ?? "").split(" ");
    for (const { index, x, y } of lines) {
      const trace = traceOf(this.plot, index);
      if (hidden.includes(trace.xaxis + trace.yaxis)) continue;
      const layer = this.layer(index);
      if (!layer) continue;
      const [xaxis, yaxis] = [this.axes.of(trace.xaxis), this.axes.of(trace.yaxis)];
      if (!xaxis || !yaxis) continue;
      const runs = runsOf(x, y, xaxis, yaxis);
      this.exchange(layer, true);
      const single = runs.length === 1 && runs[0].length === 2;
      if (layer.line) put(layer.line, "d", single ? dotPath(runs[0], trace.line.width) : linePath(runs));
      const previous = before.get(trace.xaxis + trace.yaxis) ?? null;
      const fill = trace.fill ?? "none";
      if (layer.fill) put(layer.fill, "d", fillPath(fill, runs, null, xaxis, yaxis));
      else if (fill.startsWith("tonext") && previous?.layer.next)
        put(previous.layer.next, "d", fillPath(fill, runs, previous, xaxis, yaxis));
      if (layer.points) this.movePoints(layer, x, y, xaxis, yaxis);
      before.set(trace.xaxis + trace.yaxis, { layer, runs, fill });
    }
  }
  /**
   * @param {Layer} layer
   * @param {import("./rows.js").Numbers} x
   * @param {import("./rows.js").Numbers} y
   * @param {import("./paths.js").Axis} xaxis
   * @param {import("./paths.js").Axis} yaxis
   */
  movePoints(layer, x, y, xaxis, yaxis) {
    for (let i = layer.pool.length; i < y.length; i++) {
      const copy = addCopy(layer.points, layer.point, "live-point");
      if (copy) layer.pool.push(copy);
    }
    layer.pool.forEach((/** @type {SVGElement} */ element, /** @type {number} */ i) => {
      const px = i < y.length ? xaxis.c2p(x[i]) : NaN;
      const py = i < y.length ? yaxis.c2p(y[i]) : NaN;
      const here = Number.isFinite(px) && Number.isFinite(py);
      element.style.display = here ? "" : "none";
      if (here) put(element, "transform", `translate(${px},${py})`);
    });
  }
  hide() {
    if (!this.shown) return;
    this.shown = false;
    for (const layer of this.layers.values()) this.exchange(layer, false);
  }
  /**
   * Show the copies and hide Plotly's own elements, or the other way round.
   * @param {Layer} layer
   * @param {boolean} ours
   */
  exchange(layer, ours) {
    for (const home of layer.homes) home.style.display = ours ? "" : "none";
    for (const own of layer.own) own.style.display = ours ? "none" : "";
  }
}
