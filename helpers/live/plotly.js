// plotly.js: how it reaches the page, and the parts of it that it doesn't document.

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
  // Hide AMD and CommonJS loaders of the page from plotly.js, and hand its exports to import().
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

// All that the course uses of plotly.js beyond its documentation stands here. `missingParts` looks for each of them in
// a figure; where one is gone, lines are left to Plotly's own, slower redraws.

/**
 * A trace with its defaults.
 * @param {Plot} plot
 * @param {number} index
 */
export const traceOf = (plot, index) => plot._fullData[index];

/** @typedef {Axis & Record<string, any>} PlotlyAxis */

/**
 * @param {Plot} plot
 * @param {string} name in the layout: "xaxis2"
 * @returns {PlotlyAxis}
 */
export const axisCalled = (plot, name) => plot._fullLayout[name];

/**
 * The name of an axis in the layout.
 * @param {string} id as traces write it: "x2"
 */
export const axisName = (id) => `${id[0]}axis${id.slice(1)}`;

/**
 * The traces that are drawn on an axis.
 * @param {Plot} plot
 * @param {PlotlyAxis} axis
 * @returns {number[]}
 */
export function tracesOn(plot, { _id }) {
  /** @type {any[]} */
  const traces = plot._fullData;
  return traces.filter((trace) => trace.xaxis === _id || trace.yaxis === _id).map((trace) => trace.index);
}

/** @typedef {{grid: SVGElement | null, tick: SVGElement | null, label: SVGElement | null}} Marks one of each kind */

/**
 * What Plotly draws of an axis, where it draws labels.
 * @param {Plot} plot
 * @param {PlotlyAxis} axis
 * @returns {Marks | null}
 */
export function marksOf(plot, { _id }) {
  const one = (/** @type {string} */ selector) => /** @type {SVGElement | null} */ (plot.querySelector(selector));
  const marks = { grid: one(`path.${_id}grid`), tick: one(`path.${_id}tick`), label: one(`g.${_id}tick`) };
  return marks.label?.querySelector(":scope > text") ? marks : null;
}

/**
 * The drawn lines across an axis, and notes, that stand at a value of it; null where one reaches over several values.
 * @param {Plot} plot
 * @param {PlotlyAxis} axis
 */
export function anchoredTo(plot, { _id }) {
  const letter = _id[0];
  /** @type {{element: SVGElement, value: number}[]} */
  const found = [];
  const add = (/** @type {string} */ selector, /** @type {number} */ value) => {
    const element = /** @type {SVGElement | null} */ (plot.querySelector(selector));
    if (element) found.push({ element, value });
  };
  for (const { [`${letter}ref`]: ref, [`${letter}0`]: from, [`${letter}1`]: to, _index } of plot._fullLayout.shapes) {
    if (ref === _id && from !== to) return null;
    if (ref === _id) add(`.shapelayer [data-index="${_index}"] path`, from);
  }
  for (const { [`${letter}ref`]: ref, [letter]: value, _index } of plot._fullLayout.annotations)
    if (ref === _id) add(`.annotation[data-index="${_index}"]`, value);
  return found;
}

/**
 * What Plotly draws of a scatter trace: its group, containers and elements.
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
 * The names of the private parts that this plotly.js doesn't have; `index` is that of a drawn scatter trace.
 * @param {Plot} plot
 * @param {number} index
 */
export function missingParts(plot, index) {
  if (!Array.isArray(plot._fullData)) return ["_fullData"];
  if (!plot._fullLayout) return ["_fullLayout"];
  const trace = traceOf(plot, index);
  const [xaxis, yaxis] = [trace.xaxis, trace.yaxis].map((id) => axisCalled(plot, axisName(id)));
  /** @type {string[]} */
  const missing = [];
  const need = (/** @type {unknown} */ there, /** @type {string} */ name) => there || missing.push(name);
  for (const axis of [xaxis, yaxis]) {
    need(typeof axis?.c2p === "function", "axis.c2p");
    need(Number.isFinite(axis?._length), "axis._length");
  }
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
