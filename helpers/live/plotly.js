// plotly.js: how it is loaded into the page, and its undocumented parts that the course uses.

import { inflate } from "./rows.js";

/** @typedef {import("./paths.js").Axis} Axis */
/** @typedef {any} Plotly the module */
/** @typedef {HTMLElement & Record<string, any>} Plot the element that Plotly draws into */

// ---------------------------------------------------------------- loading, once a page

/**
 * @param {{get(name: string): any}} library the widget that carries plotly.js
 * @returns {Promise<Plotly>}
 */
export function loadPlotly(library) {
  const page = /** @type {any} */ (globalThis);
  page.gradientCoursePlotly ??= importPlotly(library).catch((error) => {
    delete page.gradientCoursePlotly;
    throw error;
  });
  return page.gradientCoursePlotly;
}

/** @param {{get(name: string): any}} library */
async function importPlotly(library) {
  await new Promise((quiet) => requestIdleCallback(quiet, { timeout: 1000 })); // let the page's other widgets load first
  const source = await inflate(library.get("source"), "gzip");
  // Hide the page's AMD and CommonJS loaders from plotly.js, and return its exports through import().
  const head = "const module={exports:{}},exports=module.exports,define=undefined;\n";
  const parts = [head, source, "\n;export default module.exports;"];
  const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  try {
    return (await import(/* @vite-ignore */ url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

// ---------------------------------------------------------------- private parts

// Every undocumented part of plotly.js that the course uses is accessed here. `missingParts` looks for each of them in
// a figure; if one is missing, lines are drawn by Plotly's own, slower redraws.

/**
 * A trace with its defaults.
 * @param {Plot} plot
 * @param {number} index
 */
export const traceOf = (plot, index) => plot._fullData[index];

/**
 * An axis as Plotly has drawn it.
 * @implements {Axis}
 */
export class DrawnAxis {
  /**
   * @param {string} id as traces write it: "x2"
   * @param {Record<string, any>} settings those of the layout, with their defaults
   */
  constructor(id, settings) {
    this.id = id;
    this.settings = settings;
    this.isAcross = id[0] === "x";
  }
  get type() {
    return this.settings.type;
  }
  get length() {
    return this.settings._length;
  }
  get offset() {
    return this.settings._offset;
  }
  /**
   * @param {any} value
   * @param {boolean} [clip]
   * @returns {number}
   */
  c2p(value, clip) {
    return this.settings.c2p(value, clip);
  }
}

/**
 * An axis, if the figure is drawn and has it.
 * @param {Plot} plot
 * @param {string} id as traces write it: "x2"
 */
export function drawnAxis(plot, id) {
  const settings = plot._fullLayout?.[`${id[0]}axis${id.slice(1)}`];
  return settings && new DrawnAxis(id, settings);
}

/**
 * The traces that are drawn on an axis.
 * @param {Plot} plot
 * @param {DrawnAxis} axis
 * @returns {number[]}
 */
export function tracesOn(plot, { id }) {
  /** @type {any[]} */
  const traces = plot._fullData;
  return traces.filter((trace) => trace.xaxis === id || trace.yaxis === id).map((trace) => trace.index);
}

/** @typedef {{grid: SVGElement | null, tick: SVGElement | null, label: SVGElement | null}} Marks one of each kind */

/**
 * The elements that Plotly draws for an axis, if it draws labels.
 * @param {Plot} plot
 * @param {DrawnAxis} axis
 * @returns {Marks | null}
 */
export function marksOf(plot, { id }) {
  const one = (/** @type {string} */ selector) => /** @type {SVGElement | null} */ (plot.querySelector(selector));
  const marks = { grid: one(`path.${id}grid`), tick: one(`path.${id}tick`), label: one(`g.${id}tick`) };
  return marks.label?.querySelector(":scope > text") ? marks : null;
}

/**
 * The lines across an axis and the annotations at a value of it; null if one of them spans several values.
 * @param {Plot} plot
 * @param {DrawnAxis} axis
 */
export function anchoredTo(plot, { id }) {
  const letter = id[0];
  /** @type {{element: SVGElement, value: number}[]} */
  const found = [];
  const add = (/** @type {string} */ selector, /** @type {number} */ value) => {
    const element = /** @type {SVGElement | null} */ (plot.querySelector(selector));
    if (element) found.push({ element, value });
  };
  for (const { [`${letter}ref`]: ref, [`${letter}0`]: from, [`${letter}1`]: to, _index } of plot._fullLayout.shapes) {
    if (ref === id && from !== to) return null;
    if (ref === id) add(`.shapelayer [data-index="${_index}"] path`, from);
  }
  for (const { [`${letter}ref`]: ref, [letter]: value, _index } of plot._fullLayout.annotations)
    if (ref === id) add(`.annotation[data-index="${_index}"]`, value);
  return found;
}

/**
 * The elements that Plotly draws for a scatter trace: its group, containers and elements.
 * @param {Plot} plot
 * @param {any} trace
 */
export function elementsOf(plot, trace) {
  /** @type {SVGGElement | null} */
  const group = plot.querySelector(`.scatterlayer .trace${trace.uid}`);
  if (!group) return null;
  const one = (/** @type {string} */ selector) => /** @type {SVGElement | null} */ (group.querySelector(selector));
  const containers = ["fills", "lines", "points"].map((name) => one(`:scope > .${name}`));
  /** @type {SVGElement[]} */
  const fills = [...group.querySelectorAll(":scope > .fills path.js-fill")].map((path) => /** @type {any} */ (path));
  return {
    group,
    fillHome: containers[0],
    lineHome: containers[1],
    pointHome: containers[2],
    fills,
    line: one(":scope > .lines path.js-line"),
    point: one(":scope > .points path.point"),
  };
}

/**
 * The names of the private parts that this plotly.js lacks; `index` is that of a drawn scatter trace.
 * @param {Plot} plot
 * @param {number} index
 */
export function missingParts(plot, index) {
  if (!Array.isArray(plot._fullData)) return ["_fullData"];
  if (!plot._fullLayout) return ["_fullLayout"];
  const trace = traceOf(plot, index);
  /** @type {string[]} */
  const missing = [];
  const need = (/** @type {unknown} */ there, /** @type {string} */ name) => there || missing.push(name);
  for (const axis of [drawnAxis(plot, trace.xaxis), drawnAxis(plot, trace.yaxis)]) {
    need(typeof axis?.settings.c2p === "function", "axis.c2p");
    need(Number.isFinite(axis?.length), "axis._length");
    need(Number.isFinite(axis?.offset), "axis._offset");
  }
  for (const kind of ["shapes", "annotations"])
    need(
      plot._fullLayout[kind]?.every((/** @type {any} */ one) => one._index >= 0),
      `${kind}[]._index`,
    );
  need(trace.uid, "trace.uid");
  const elements = elementsOf(plot, trace);
  need(elements, ".scatterlayer .trace{uid}");
  if (!elements) return missing;
  const { mode = "", fill = "none" } = trace;
  need(!mode.includes("lines") || !trace.line?.width || elements.line, ".lines path.js-line");
  need(!mode.includes("markers") || elements.point, ".points path.point");
  need(!/^to(self|zero[xy])$/.test(fill) || elements.fills.length, ".fills path.js-fill");
  return missing;
}
