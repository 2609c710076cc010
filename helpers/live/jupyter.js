// LiveFigure inside Jupyter: ipywidgets' controls, the kernel, and the functions that anywidget calls.

import { missingOf, tellAgain, tellSeldom } from "./ipywidgets.js";
import { Live } from "./live.js";
import { loadPlotly } from "./plotly.js";
import { unpackRows } from "./rows.js";
import { gridIndex, gridValue } from "./states.js";

/** @typedef {import("./states.js").Grid} Grid */
/** @typedef {import("./ipywidgets.js").Model} Model */

// ---------------------------------------------------------------- controls and the kernel

/**
 * @param {Grid} grid
 * @param {Model} model
 * @returns {import("./live.js").Control}
 */
export function jupyterControl(grid, model) {
  tellSeldom(model);
  const name = grid.kind === "index" ? "index" : "value";
  return {
    id: grid.id,
    count: grid.count,
    missing: missingOf(model),
    get() {
      if (grid.kind === "index") return model.get("index");
      return grid.kind === "bool" ? Number(model.get("value")) : gridIndex(grid, model.get("value"));
    },
    set(number) {
      model.set("value", gridValue(grid, number));
      model.save_changes();
    },
    repeat: () => tellAgain(model, { [name]: model.get(name) }),
    onChange(react) {
      model.on(`change:${name}`, react);
      return () => model.off(`change:${name}`, react);
    },
  };
}

/**
 * @param {Model} model the figure
 * @param {Model} channel the widget that carries its messages
 * @returns {import("./live.js").Source}
 */
export function jupyterSource(model, channel) {
  const view = Math.random().toString(36).slice(2);
  let ended = () => {};
  const send = (/** @type {object} */ message) => {
    try {
      channel.send({ view, ...message });
    } catch {
      ended(); // Jupyter refuses to send to a kernel that is dead or has been replaced
    }
  };
  return {
    ask: (key, id) => send({ type: "ask", key, id }),
    fill: (keys, id) => send({ type: "fill", keys, id }),
    confirm: (key, id) => send({ type: "confirm", key, id }),
    listen(react) {
      const mine = (/** @type {any} */ message, /** @type {any} */ buffers) => {
        if (message.view === undefined || message.view === view) react(message, buffers);
      };
      const shown = () => {
        const notes = [model.get("notes_shown")];
        react({ type: "rows", shown: true, keys: [[]], notes, packed: false }, [model.get("row_shown")]);
      };
      const alive = () => channel.comm_live === false && ended();
      ended = () => react({ type: "gone" }, []);
      channel.on("msg:custom", mine);
      channel.on("comm_live_update", alive);
      // If the figure has controls, this row is only the first one; a new connection sends it again.
      if (!model.get("controls").length) model.on("change:row_shown", shown);
      alive();
      return () => {
        channel.off("msg:custom", mine);
        channel.off("comm_live_update", alive);
        model.off("change:row_shown", shown);
      };
    },
  };
}

export default {
  /** @param {{model: Model, el: HTMLElement & {live?: Live}}} view */
  async render({ model, el }) {
    const find = (/** @type {string} */ reference) =>
      model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));
    el.classList.add("live-figure");
    const references = [model.get("library"), model.get("channel"), ...model.get("controls")];
    const [library, channel, ...controls] = await Promise.all(references.map(find));
    const Plotly = await loadPlotly(library);
    const spec = structuredClone(model.get("spec"));
    const sliders = controls.map((control, i) => jupyterControl(spec.grids[i], control));
    const live = new Live(el, spec, Plotly, sliders, jupyterSource(model, channel));
    el.live = live;
    await live.start(spec.first, await unpackRows(model.get("row_shown"), false), model.get("notes_shown"));
    el.closest(".jp-NotebookPanel")?.classList.add("live-course"); // gives its text a readable line length
    return () => live.stop();
  },
};
