// The network picture above a figure: its canvas, its pulse, and its pointer and key events.

import { BACKWARD_STARTS, drawNets, FORWARD_ENDS, PULSE_MS } from "./drawing.js";
import { darkTo, decodeNet, describeColumns, describeNet, placeOfColumn, verdictOf } from "./net.js";
import { Pixels } from "./pixels.js";

/** @typedef {import("./net.js").Net} Net */
/** @typedef {import("./net.js").PackedNet} PackedNet */

const HEIGHT = 180;
const LOW_HEIGHT = 140; // on a narrow page
const NARROW_PAGE = 560;
const STILL_MS = 800; // duration of each still image for readers who prefer reduced motion
const PRESET_MS = 4000; // a state that comes within this time after a button belongs to the button
const PLAY = "▶";
const SKIP = "■";

export class Strip {
  /**
   * @param {HTMLElement} host an empty element
   * @param {import("./plotly.js").Plot} plot the figure beneath, whose first x axis it shares
   * @param {import("./axes.js").Axes} axes that figure's
   */
  constructor(host, plot, axes) {
    this.host = host;
    this.plot = plot;
    this.axes = axes;
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.dataset.lmSuppressShortcuts = "true"; // keeps JupyterLab from handling its keys
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "live-net-play";
    this.spoken = document.createElement("div");
    this.spoken.className = "live-spoken";
    this.spoken.setAttribute("aria-live", "polite");
    this.cursor = document.createElement("div");
    this.cursor.className = "live-net-cursor";
    this.cursor.hidden = true;
    host.append(this.canvas, this.button, this.spoken);
    plot.after(this.cursor);
    this.ctx = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    // A canvas outside the page: on one inside it, changing the font forces the browser to lay out the page.
    this.sheet = document.createElement("canvas");
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.sheet.getContext("2d"));
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    this.print = matchMedia("print");
    /** @type {import("./looks.js").LookName} */
    this.look = this.print.matches ? "paper" : "night";
    this.pixels = new Pixels(1, 1);
    /** @type {Net[]} */
    this.nets = [];
    this.hover = -1;
    this.running = false;
    this.frame = 0;
    this.timer = 0;
    this.verdict = "";
    this.pressed = -Infinity; // time at which a preset's button was pressed
    this.seen = false; // whether it was ever visible
    this.ready = false; // whether the figure beneath is drawn
    this.width = 0; // of the canvas on the page
    this.offset = 0; // of the figure relative to the canvas
    this.height = HEIGHT; // of the canvas on the page
    /** @type {(() => void)[]} */
    this.off = [];
    this.mark(false);
    this.listen();
  }
  listen() {
    /**
     * @param {EventTarget} target
     * @param {string} type
     * @param {(event: any) => void} react
     */
    const on = (target, type, react) => {
      target.addEventListener(type, react);
      this.off.push(() => target.removeEventListener(type, react));
    };
    on(this.canvas, "pointermove", (event) => this.read(this.columnAt(event.offsetX)));
    on(this.canvas, "pointerleave", () => this.read(-1));
    on(this.canvas, "blur", () => this.read(-1));
    on(this.canvas, "click", () => this.running && this.skip());
    on(this.canvas, "keydown", (event) => this.key(event));
    on(this.host, "keydown", (event) => event.key === "Escape" && this.skip());
    on(this.button, "click", () => this.toggle());
    on(document, "click", (event) => this.clicked(event.target));
    on(window, "beforeprint", () => this.dress("paper"));
    on(window, "afterprint", () => this.dress("night"));
    on(this.print, "change", () => this.dress(this.print.matches ? "paper" : "night"));
    const sizes = new ResizeObserver(() => this.resize());
    sizes.observe(this.host);
    sizes.observe(this.plot);
    const sights = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && this.sighted(),
      {
        threshold: 0.6,
      },
    );
    sights.observe(this.host);
    this.off.push(
      () => sizes.disconnect(),
      () => sights.disconnect(),
    );
  }
  stop() {
    this.skip();
    for (const off of this.off) off();
  }

  // ---------------------------------------------------------------- states

  /**
   * Show the networks of another state immediately, at rest.
   * @param {PackedNet[]} packed
   */
  show(packed) {
    this.nets = packed.map(decodeNet);
    if (this.hover >= (this.nets[0]?.columns ?? 0)) this.hover = -1;
    this.host.toggleAttribute("data-stacked", packed.length > 1);
    const dark = String(this.nets[0] ? darkTo(this.nets[0]) : 0);
    if (this.host.dataset.dark !== dark) this.host.dataset.dark = dark;
    this.skip();
  }
  /** The control rests: describe the picture, and run a pulse after a button or a change of the verdict. */
  rest() {
    if (!this.nets.length) return;
    this.canvas.setAttribute("aria-label", this.nets.map(describeNet).join(" "));
    if (!this.running) this.paint(); // the axis may have become narrower
    const verdict = this.nets.map(verdictOf).join(" ");
    const changed = this.verdict !== "" && this.verdict !== verdict;
    const asked = performance.now() - this.pressed < PRESET_MS;
    this.verdict = verdict;
    this.pressed = -Infinity;
    if ((changed || asked) && this.seen) this.playByItself();
  }
  /** The figure beneath is drawn, so its axis is known. */
  start() {
    this.ready = true;
    this.measure();
    this.rest();
    if (this.seen) this.playByItself();
  }
  sighted() {
    if (this.seen) return;
    this.seen = true;
    if (this.ready) this.playByItself();
  }
  /** @param {EventTarget | null} target */
  clicked(target) {
    const button = target instanceof Element ? target.closest("button") : null;
    if (!button || this.host.contains(button) || button.closest(".live-views, .modebar")) return;
    const panel = this.host.closest(".live-panel, .site-figure");
    if (panel?.contains(button)) this.pressed = performance.now();
  }

  // ---------------------------------------------------------------- the pulse

  playByItself() {
    if (!this.still.matches && this.width) this.play();
  }
  toggle() {
    if (this.running) this.skip();
    else this.play();
  }
  play() {
    this.skip();
    if (!this.nets.length) return;
    this.mark(true);
    if (this.still.matches) this.stills([FORWARD_ENDS, BACKWARD_STARTS + 0.2]);
    else this.step(performance.now());
  }
  /** @param {number} began */
  step(began) {
    this.frame = requestAnimationFrame(() => {
      const time = (performance.now() - began) / PULSE_MS;
      if (time >= 1) return this.skip();
      this.paint(time);
      this.step(began);
    });
  }
  /** @param {number[]} times moments of the pulse, one after the other; then the state at rest */
  stills([time, ...later]) {
    if (time === undefined) return this.skip();
    this.paint(time);
    this.timer = window.setTimeout(() => this.stills(later), STILL_MS);
  }
  /** Go to the state at rest. */
  skip() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.mark(false);
    this.paint();
  }
  /** @param {boolean} running */
  mark(running) {
    if (this.running === running && this.button.textContent) return;
    this.running = running;
    this.button.textContent = running ? SKIP : PLAY;
    const label = running ? "Skip to the end" : "Send the signal forward and the gradient back";
    this.button.setAttribute("aria-label", label);
    this.button.title = label;
  }

  // ---------------------------------------------------------------- reading

  /** @param {number} x in the canvas */
  columnAt(x) {
    const net = this.nets[0];
    if (!net) return -1;
    const first = this.across(placeOfColumn(net, 0));
    const pitch = net.columns > 1 ? (this.across(net.last) - first) / (net.columns - 1) : 40;
    const column = Math.round((x - first) / (pitch || 1));
    return column >= 0 && column < net.columns ? column : -1;
  }
  /**
   * @param {number} column -1 for none
   * @param {boolean} [aloud]
   */
  read(column, aloud = false) {
    if (column === this.hover) return;
    this.hover = column;
    if (!this.running) this.paint();
    const net = this.nets[0];
    if (aloud && net && column >= 0) this.spoken.textContent = describeColumns(this.nets, column);
    this.placeCursor();
  }
  /** Mark the column under the reading cursor in the figure beneath. */
  placeCursor() {
    const net = this.nets[0];
    const axis = this.axes.of("y");
    this.cursor.hidden = this.hover < 0 || !net || !axis?.length;
    if (this.cursor.hidden || !axis) return;
    const x = this.host.offsetLeft + this.across(placeOfColumn(net, this.hover));
    const y = this.plot.offsetTop + axis.offset;
    Object.assign(this.cursor.style, { left: `${x}px`, top: `${y}px`, height: `${axis.length}px` });
  }
  /** @param {KeyboardEvent} event */
  key(event) {
    const columns = this.nets[0]?.columns ?? 0;
    const by = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    const to = { Home: 0, End: columns - 1 }[event.key];
    const from = this.hover < 0 ? columns - (by && by < 0 ? 0 : 1) : this.hover;
    if (by) this.read(Math.min(columns - 1, Math.max(0, from + by)), true);
    else if (to !== undefined) this.read(to, true);
    else if (event.key === " " || event.key === "Enter") this.toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // ---------------------------------------------------------------- drawing

  /** @param {import("./looks.js").LookName} look */
  dress(look) {
    this.look = look;
    this.skip();
  }
  resize() {
    this.measure();
    this.follow();
  }
  /** Called when the axis of the figure beneath has moved. */
  follow() {
    if (!this.running) this.paint();
    this.placeCursor();
  }
  /** Measure the figure's offset to the canvas; only after changes of size, since it forces a layout of the page. */
  measure() {
    this.width = this.host.clientWidth;
    const [figure, canvas] = [this.plot.getBoundingClientRect(), this.canvas.getBoundingClientRect()];
    const magnified = this.width ? canvas.width / this.width : 1; // on a slide
    this.height = this.plot.clientWidth < NARROW_PAGE ? LOW_HEIGHT : HEIGHT;
    this.offset = figure.width && magnified ? (figure.left - canvas.left) / magnified : 0;
  }
  /**
   * x of a place on the first axis of the figure beneath.
   * @param {number} place
   */
  across(place) {
    const axis = this.axes.of("x");
    if (axis?.length) return this.offset + axis.offset + axis.c2p(place);
    const last = this.nets[0]?.last ?? 1; // before there is a figure
    return 84 + ((place - 0.5) / last) * (this.width - 168);
  }
  /** @param {number} [time] of the pulse */
  paint(time = 1) {
    const { width, height } = this;
    if (!this.nets.length || !width) return;
    const scale = Math.min(2, devicePixelRatio || 1);
    this.fit(Math.round(width * scale), Math.round(height * scale), height);
    const each = height / this.nets.length;
    const views = this.nets.map((net, i) => ({
      ...{ top: Math.round(i * each), height: Math.round(each), width, scale, time, look: this.look },
      across: (/** @type {number} */ place) => this.across(place),
      hover: net.columns === this.nets[0].columns ? this.hover : -1,
      last: i === this.nets.length - 1,
    }));
    drawNets(this.pen, this.pixels, this.nets, views);
    this.ctx.drawImage(this.sheet, 0, 0);
  }
  /**
   * @param {number} width in device pixels
   * @param {number} height in device pixels
   * @param {number} shown height on the page
   */
  fit(width, height, shown) {
    if (this.canvas.width === width && this.canvas.height === height && this.pixels.width === width) return;
    this.canvas.width = this.sheet.width = width;
    this.canvas.height = this.sheet.height = height;
    this.canvas.style.height = `${shown}px`;
    this.pixels = new Pixels(width, height);
  }
}
