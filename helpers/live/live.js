// A figure that follows its controls without asking the kernel: the browser's part of LiveFigure.
//
// Rows from the kernel are kept in a cache. While a control moves, the row of its state is drawn directly into Plotly's
// SVG; Plotly itself draws it as soon as the control rests. A state that isn't in the cache is requested.

import { Picture } from "./picture.js";
import { RowCache, unpackRows } from "./rows.js";
import { idOf, statesAlong } from "./states.js";
import { Strip } from "./strip.js";

/** @typedef {import("./states.js").Key} Key */
/** @typedef {import("./rows.js").Result} Result */
/** @typedef {() => void} Stop undoes the call that returned it */
/**
 * @typedef {object} Control
 * @property {string} id class of its element
 * @property {number} count the number of its places
 * @property {() => import("./states.js").Place} get
 * @property {(number: number) => void} set moves it to the place nearest to a number
 * @property {string[]} [missing] names of private parts that this ipywidgets lacks
 * @property {() => void} [repeat] sends its value to the kernel again
 * @property {(react: () => void) => Stop} onChange
 */
/**
 * @typedef {object} Message An answer of a source.
 * @property {"rows" | "error" | "filled" | "confirmed" | "gone"} type
 * @property {Key[]} [keys]
 * @property {import("./rows.js").Notes[]} [notes]
 * @property {boolean} [packed]
 * @property {boolean} [shown] a row without a state, shown by Python
 * @property {string} [answers] id of the requested state
 * @property {string} [message]
 * @property {string} [id]
 * @property {Key} [key]
 * @property {Key[]} [failed]
 */
/**
 * @typedef {object} Source The source of rows: a kernel, or the table of a page.
 * @property {(key: Key, id: string) => void} [ask] for one state
 * @property {(keys: Key[], id: string) => void} [fill] for many, in the kernel's idle time
 * @property {(key: Key, id: string) => void} [confirm] asks which state the kernel's controls are in
 * @property {(react: (message: Message, buffers: ArrayBufferView[]) => void) => Stop} listen
 */

const NET_BYTES = 3000; // the largest size of a state's networks
const SETTLE_MS = 120; // a control that hasn't moved for this long rests
const CONFIRM_MS = 600; // after the last move; by then ipywidgets has sent it to the kernel
const PATIENCE_MS = 2000; // pause before the first repetition of a request; it doubles each time
const LONGEST_PATIENCE_MS = 30_000;

const SILENT =
  "The kernel doesn't answer: it is busy with another cell, or its connection is cut. " +
  "The figure follows the controls again as soon as it answers.";
const GONE = "The kernel that computed this figure has ended or was restarted. Run the cell again to go on.";

export class Live {
  /**
   * @param {HTMLElement} el
   * @param {import("./picture.js").Spec} spec
   * @param {import("./plotly.js").Plotly} Plotly
   * @param {Control[]} controls
   * @param {Source} source
   */
  constructor(el, spec, Plotly, controls, source) {
    this.el = el;
    this.spec = spec;
    this.controls = controls;
    this.source = source;
    this.summary = this.add("p", "live-summary");
    this.headline = this.summary.appendChild(document.createElement("span"));
    this.detail = this.summary.appendChild(document.createElement("span"));
    this.headline.className = "live-headline";
    this.detail.className = "live-detail";
    this.views = this.add("div", "live-views", "group");
    this.plot = /** @type {import("./plotly.js").Plot} */ (this.add("div", "live-plot", "group")); // not "img": its toolbar has buttons
    this.plot.setAttribute("aria-label", spec.label);
    this.spoken = this.add("div", "live-spoken", "status");
    this.alert = this.add("div", "live-error", "alert");
    this.notice = this.add("div", "live-notice", "status");
    this.alert.hidden = this.notice.hidden = true;
    this.picture = new Picture(this.plot, spec, Plotly);
    /** @type {Strip | null} */
    this.strip = null; // the networks above the figure, if there are any
    this.cache = new RowCache(4 * spec.size + NET_BYTES);
    /** @type {string | null} */
    this.asking = null; // id of the state requested and not yet answered
    /** @type {string | null} */
    this.filling = null; // id of the running fill
    /** @type {number | null} */
    this.filled = null; // the control whose table it fills
    this.unconfirmed = false; // whether the kernel may not know the controls' values yet
    /** @type {string | null} */
    this.askedBefore = null; // the open request when the kernel was last asked for the controls' values
    this.gone = false; // whether the kernel no longer exists
    /** @type {Set<string>} */
    this.tried = new Set(); // states whose computation failed in a fill: requested only when a control gets there
    this.hand = 0; // the control that moved last
    this.touched = false;
    this.plannedRow = "";
    this.frame = 0;
    this.timer = 0;
    this.confirmTimer = 0;
    this.reminder = 0;
    this.patience = PATIENCE_MS;
    this.width = 0;
    this.turn = 0; // counts shown states
    /** @type {Stop[]} */
    this.off = [];
  }
  /**
   * @param {string} tag
   * @param {string} name
   * @param {string} [role]
   */
  add(tag, name, role) {
    const element = this.el.appendChild(document.createElement(tag));
    element.className = name;
    if (role) element.setAttribute("role", role);
    return element;
  }
  /** The controls' current state. */
  key() {
    return this.controls.map((control) => control.get());
  }
  /** Whether the picture shows another state than the current one. */
  lags() {
    return this.el.dataset.state !== idOf(this.key());
  }
  /**
   * @param {Key} firstKey
   * @param {Float32Array} row
   * @param {import("./rows.js").Notes} notes
   */
  async start(firstKey, row, notes) {
    this.cache.put(idOf(firstKey), { row, notes });
    this.describe(notes.summary);
    this.showNets(notes);
    this.el.dataset.phase = "starting";
    this.width = this.el.clientWidth;
    await this.picture.start(row, notes.ranges);
    this.offerViews();
    this.off.push(this.source.listen((message, buffers) => this.receive(message, buffers)));
    for (const [i, control] of this.controls.entries()) this.off.push(control.onChange(() => this.changed(i)));
    this.nameSliders();
    this.watchHands();
    this.plot.on("plotly_click", (/** @type {any} */ { points }) => this.clicked(points));
    const sizes = new ResizeObserver(() => this.resize());
    sizes.observe(this.el);
    this.off.push(() => sizes.disconnect());
    this.plot.on("plotly_relayout", () => this.strip?.follow());
    this.strip?.start();
    this.el.dataset.state = idOf(firstKey);
    this.el.dataset.phase = "rest";
    if (this.lags()) this.draw();
  }
  stop() {
    for (const off of this.off) off();
    for (const timer of [this.timer, this.confirmTimer, this.reminder]) clearTimeout(timer);
    cancelAnimationFrame(this.frame);
    this.strip?.stop();
    this.picture.stop();
  }
  /** Name ipywidgets' sliders for screen readers, by their labels; by default they have no name. */
  nameSliders() {
    for (const { id } of this.controls)
      for (const control of document.getElementsByClassName(id)) {
        const name = control.querySelector(".widget-label")?.textContent;
        for (const handle of control.querySelectorAll(".noUi-handle"))
          if (name) handle.setAttribute("aria-label", name);
      }
  }
  /** Add buttons that switch between the views of the figure. */
  offerViews() {
    const { views } = this.spec;
    this.views.hidden = views.length < 2;
    if (this.views.hidden) return;
    this.views.setAttribute("aria-label", "which plot is shown");
    this.views.setAttribute("data-lm-suppress-shortcuts", "true"); // keeps JupyterLab from handling its keys
    const buttons = views.map(({ name }, number) => {
      const button = this.views.appendChild(document.createElement("button"));
      button.type = "button";
      button.textContent = name;
      button.addEventListener("click", () => look(number));
      return button;
    });
    const look = (/** @type {number} */ number) => {
      buttons.forEach((button, i) => {
        button.setAttribute("aria-pressed", String(i === number));
      });
      this.picture.look(number);
    };
    look(0);
  }
  /** Fill the table of the control that the pointer or the focus is on next. */
  watchHands() {
    const near = (/** @type {Event} */ event) => {
      const target = /** @type {Element | null} */ (event.target);
      const index = this.controls.findIndex((control) => target?.closest?.(`.${control.id}`));
      if (index < 0) return;
      if (this.touched && this.hand === index) return;
      this.hand = index;
      this.touched = true;
      this.plan();
    };
    for (const type of ["pointerover", "focusin"]) {
      document.addEventListener(type, near, true);
      this.off.push(() => document.removeEventListener(type, near, true));
    }
  }
  /** @param {{curveNumber: number, x: number, y: number}[]} points */
  clicked(points) {
    for (const { index, controls } of this.spec.clicks) {
      const hit = points.find((point) => point.curveNumber === index);
      if (!hit) continue;
      this.controls[controls[0]].set(hit.x);
      this.controls[controls[1]].set(hit.y);
    }
  }
  resize() {
    const width = this.el.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    requestAnimationFrame(() => this.el.isConnected && this.picture.resize());
  }
  /** @param {number} index of the control that moved */
  changed(index) {
    this.hand = index;
    this.touched = true;
    this.el.dataset.phase = "moving";
    if (this.filling && this.filled !== index) this.pause();
    const key = this.key();
    if (!this.cache.has(idOf(key))) this.ask(key); // now, before the control sends its move to the kernel
    this.frame ||= requestAnimationFrame(() => this.draw());
    this.unconfirmed = true;
    this.confirmIn(CONFIRM_MS);
  }
  draw() {
    this.frame = 0;
    const key = this.key();
    const known = this.cache.get(idOf(key));
    this.el.dataset.phase = "moving"; // also without a move by hand, as when a reloaded page restores its state
    if (!known) return this.ask(key);
    this.show(idOf(key), known);
    if (this.entersNewTable(key)) this.plan();
  }
  /**
   * @param {string} id
   * @param {Result} result
   */
  show(id, { row, notes }) {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    this.alert.hidden = true;
    this.picture.move(row, notes.ranges);
    this.showNets(notes);
    this.describe(notes.summary);
    this.el.dataset.state = id;
    // One more frame: after a long redraw the timer would fire before the moves that came meanwhile.
    this.timer = window.setTimeout(() => requestAnimationFrame(() => this.rest(id, turn)), SETTLE_MS);
  }
  /**
   * @param {string} id
   * @param {number} turn
   */
  async rest(id, turn) {
    const stillResting = () => !this.frame && idOf(this.key()) === id && this.turn === turn;
    if (!stillResting()) return;
    await this.picture.settle(stillResting);
    if (!stillResting()) return;
    this.spoken.textContent = `${this.headline.textContent} ${this.detail.textContent}`;
    this.el.dataset.phase = "rest";
    this.strip?.rest();
    this.plan();
  }
  /** @param {import("./rows.js").Notes} notes */
  showNets({ net }) {
    if (!net) return;
    if (!this.strip) {
      const host = document.createElement("div");
      host.className = "live-net";
      this.views.before(host);
      this.strip = new Strip(host, this.plot, this.picture.axes);
    }
    this.strip.show(net);
  }
  /** @param {string} [text] the headline and, on further lines, the text under it */
  describe(text = "") {
    const [headline, detail = ""] = text.split("\n");
    this.headline.textContent = headline;
    this.detail.textContent = detail;
    this.summary.hidden = !text;
  }

  // ---------------------------------------------------------------- asking for rows

  /**
   * Send one request at a time; when it is answered, the controls' state by then is drawn or requested.
   * @param {Key} key
   */
  ask(key) {
    if (this.asking || this.gone) return;
    this.asking = idOf(key);
    this.source.ask?.(key, this.asking);
    this.remind();
  }
  /**
   * @param {Message} message
   * @param {ArrayBufferView[]} buffers
   */
  async receive(message, buffers) {
    if (message.type === "gone") return this.end();
    this.patience = PATIENCE_MS;
    this.notice.hidden = true;
    if (message.type === "confirmed") this.confirmed(message);
    else if (message.type === "error") this.failed(message);
    else if (message.type === "filled") this.tableIsHere(message);
    else await this.take(message, buffers);
    this.remind();
  }
  /**
   * @param {Message} message
   * @param {ArrayBufferView[]} buffers
   */
  async take({ keys = [], notes = [], packed = false, shown = false, answers }, buffers) {
    const rows = await unpackRows(buffers[0], packed);
    const { size } = this.spec;
    const results = keys.map((_, i) => ({ row: rows.subarray(i * size, (i + 1) * size), notes: notes[i] }));
    if (shown) return this.show(idOf([]), results[0]);
    keys.forEach((key, i) => {
      this.cache.put(idOf(key), results[i]);
    });
    if (answers) this.answered(answers);
    else if (this.lags()) this.frame ||= requestAnimationFrame(() => this.draw());
  }
  /**
   * Show the requested state even if the controls have moved on: with a slow kernel the figure lags but doesn't freeze.
   * @param {string} id
   */
  answered(id) {
    if (this.asking !== id) return;
    this.asking = null;
    const result = this.cache.get(id);
    if (result) this.show(id, result);
    if (idOf(this.key()) !== id) this.frame ||= requestAnimationFrame(() => this.draw());
    else if (this.entersNewTable(this.key())) this.plan();
  }
  /** @param {Message} message */
  failed({ answers, message = "" }) {
    if (this.asking !== answers) return;
    this.asking = null;
    if (idOf(this.key()) !== answers) return this.draw();
    this.alert.textContent = message;
    this.alert.hidden = false;
    this.el.dataset.phase = "error";
  }

  // ---------------------------------------------------------------- tables

  /**
   * The states along one control's slider through `key`, nearest first, that are not in the cache.
   * @param {Key} key
   * @param {number} index
   */
  missing(key, index) {
    const states = [...statesAlong(key, index, this.controls[index].count)];
    return states.filter((state) => !this.cache.has(idOf(state)) && !this.tried.has(idOf(state)));
  }
  /** @param {Key} key */
  entersNewTable(key) {
    const row = idOf(key.map((place, i) => (i === this.hand ? -1 : place))) + this.hand;
    if (row === this.plannedRow) return false;
    this.plannedRow = row;
    return true;
  }
  /** Request the table of the control in hand and, once it is complete, those of the others through this state. */
  plan() {
    if (!this.touched || !this.source.fill || this.gone) return;
    const key = this.key();
    const order = [this.hand, ...this.controls.keys()].filter((v, i, a) => a.indexOf(v) === i);
    const index = order.find((control) => this.missing(key, control).length);
    if (index === undefined) return;
    const wanted = this.missing(key, index);
    const id = idOf(wanted[0]) + this.hand;
    if (this.filling === id) return;
    if (this.tried.size > 4096) this.tried.clear();
    this.filling = id;
    this.filled = index;
    this.source.fill(wanted, id);
    this.remind();
  }
  /** @param {Message} message */
  tableIsHere({ id, failed = [] }) {
    if (id === this.filling) this.filling = null;
    for (const key of failed) this.tried.add(idOf(key));
    if (this.el.dataset.phase === "rest") this.plan();
  }
  /** Delay another control's table until the control rests: until then the picture needs the processors. */
  pause() {
    this.filling = null;
    this.source.fill?.([], "pause");
  }

  // ---------------------------------------------------------------- lost messages

  /** @param {number} milliseconds */
  confirmIn(milliseconds) {
    if (!this.source.confirm) return;
    clearTimeout(this.confirmTimer);
    this.confirmTimer = window.setTimeout(() => this.confirm(), milliseconds);
  }
  /** Ask the kernel for its controls' values: it may have missed the last move. */
  confirm() {
    if (this.gone) return;
    this.askedBefore = this.asking;
    this.source.confirm?.(this.key(), idOf(this.key()));
    this.remind();
  }
  /** @param {Message} message */
  confirmed({ id, key = [] }) {
    // The kernel answers requests in order.
    if (this.asking && this.asking === this.askedBefore) this.askAnew();
    if (id !== idOf(this.key())) return; // it has moved on, and will be confirmed then
    const missed = this.controls.filter((control, i) => idOf([control.get()]) !== idOf([key[i]]));
    this.unconfirmed = missed.length > 0;
    for (const control of missed) control.repeat?.();
  }
  /** Repeat requests without an answer after 2 s, 4 s, 8 s …: they may have been lost with a connection. */
  remind() {
    clearTimeout(this.reminder);
    if (this.gone || !(this.asking || this.filling || (this.unconfirmed && this.source.confirm))) return;
    this.reminder = window.setTimeout(() => this.askAgain(), this.patience);
  }
  askAgain() {
    if (this.patience > PATIENCE_MS && this.lags()) this.tell(SILENT);
    this.patience = Math.min(2 * this.patience, LONGEST_PATIENCE_MS);
    if (this.asking) this.askAnew();
    if (this.filling) {
      this.filling = null;
      this.plan();
    }
    if (this.unconfirmed) this.confirm();
    this.remind();
  }
  /** Forget the open request and request the controls' current state. */
  askAnew() {
    this.asking = null;
    this.draw();
  }
  /** @param {string} text */
  tell(text) {
    this.notice.textContent = text;
    this.notice.hidden = false;
    this.el.dataset.phase = "waiting";
  }
  /** The kernel no longer exists: only rows in the cache are drawn. */
  end() {
    this.gone = true;
    this.asking = this.filling = null;
    if (this.controls.length) this.tell(GONE);
  }
}
