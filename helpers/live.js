// The browser's half of LiveFigure: the picture follows the sliders without asking the kernel.
//
// A *state* is one setting of all controls, written as a key: an array with one entry per control, the index of
// its value on the control's grid, or {value} where it stands off the grid. A *row* is what compute() returned for a
// state: one Float32Array for all traces, plus notes (the summary, ranges of axes). Rows arrive from the kernel and
// are kept in a cache; while a control moves, the row of its state is drawn straight into Plotly's SVG ("overlay"),
// and Plotly itself draws it as soon as the hand rests ("settle").

const SETTLE_MS = 120; // a hand that pauses this long rests
const CACHE_BYTES = 24e6;
const SVG = "http://www.w3.org/2000/svg";

// ---------------------------------------------------------------- plotly.js, once a page

function loadPlotly(library) {
  globalThis.gradientCoursePlotly ??= importPlotly(library).catch((error) => {
    delete globalThis.gradientCoursePlotly;
    throw error;
  });
  return globalThis.gradientCoursePlotly;
}

async function importPlotly(library) {
  await new Promise((quiet) => requestIdleCallback(quiet, { timeout: 1000 })); // let the page's other widgets load first
  const source = await inflate(library.get("source"), "gzip");
  // Hide AMD and CommonJS loaders of the page from plotly.js, and hand its exports to import().
  const parts = ["const module={exports:{}},exports=module.exports,define=undefined;\n", source, "\n;export default module.exports;"];
  const url = URL.createObjectURL(new Blob(parts, { type: "text/javascript" }));
  try {
    return (await import(/* @vite-ignore */ url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

async function inflate(view, format) {
  const stream = new Blob([view]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// ---------------------------------------------------------------- rows

// The four bytes of each float travel as four planes (they compress better so).
async function unpackRows(view, packed) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  if (!packed) return new Float32Array(bytes.slice().buffer);
  const planes = await inflate(bytes, "deflate");
  const count = planes.length / 4;
  const out = new Uint8Array(planes.length);
  for (let i = 0; i < count; i++) for (let b = 0; b < 4; b++) out[4 * i + b] = planes[b * count + i];
  return new Float32Array(out.buffer);
}

class RowCache {
  constructor(bytesPerRow) {
    this.limit = Math.max(64, Math.floor(CACHE_BYTES / (bytesPerRow + 512)));
    this.rows = new Map();
  }
  has(id) {
    return this.rows.has(id);
  }
  get(id) {
    return this.rows.get(id);
  }
  put(id, row) {
    this.rows.delete(id);
    this.rows.set(id, row);
    if (this.rows.size > this.limit) this.rows.delete(this.rows.keys().next().value);
  }
}

// ---------------------------------------------------------------- drawing into Plotly's SVG

const axisOf = (layout, id) => layout[id[0] + "axis" + id.slice(1)];

// Pixel of a value; like Plotly, a non-positive value on a log axis lies far outside the plot.
function pixel(axis, value) {
  const inside = axis.c2p(value);
  if (Number.isFinite(inside)) return inside;
  if (axis.type !== "log" || value === null || Number.isNaN(value)) return NaN;
  return axis.c2p(value, true) * 1000;
}

// Runs of neighbouring points without a gap, in pixels: each is x0, y0, x1, y1, …
function runsOf(x, y, xaxis, yaxis) {
  const runs = [];
  let run = null;
  for (let i = 0; i < y.length; i++) {
    const px = pixel(xaxis, x[i]), py = pixel(yaxis, y[i]);
    if (Number.isFinite(px) && Number.isFinite(py)) {
      if (!run) runs.push((run = []));
      run.push(px, py);
    } else run = null;
  }
  return runs.map((points) => thinned(cutFar(points, yaxis._length)));
}

const SCREENS = 20; // plotly.js cuts lines that run further away than this

// Cut a run where it leaves for far above or below, as Plotly does: else its dashes come back out of step.
function cutFar(run, height) {
  const top = -SCREENS * height, bottom = (1 + SCREENS) * height;
  const edge = (y) => (y < top ? top : y > bottom ? bottom : null);
  const out = [];
  for (let i = 0; i < run.length; i += 2) {
    const x = run[i], y = run[i + 1], far = edge(y);
    if (i > 0) {
      const x0 = run[i - 2], y0 = run[i - 1], before = edge(y0);
      const crossing = (at) => out.push(x0 + ((x - x0) * (at - y0)) / (y - y0), at);
      if (before !== null && before !== far) crossing(before);
      if (far !== null && before !== far) crossing(far);
    } else if (far !== null) out.push(x, far);
    if (far === null) out.push(x, y);
  }
  return out;
}

const HAIR = 0.02; // pixels; nobody sees a line move by less
const STRETCH = 24; // points at most that one straight piece stands for

// Whether the points between two of a run lie on the straight line from one to the other, to a hair.
function straight(run, from, to) {
  const dx = run[to] - run[from], dy = run[to + 1] - run[from + 1], square = dx * dx + dy * dy;
  for (let i = from + 2; i < to; i += 2) {
    const x = run[i] - run[from], y = run[i + 1] - run[from + 1], along = x * dx + y * dy, across = x * dy - y * dx;
    if (along < 0 || along > square || across * across > HAIR * HAIR * square) return false;
  }
  return true;
}

// Without the points that a straight line passes through anyhow: the browser paints shorter paths sooner.
function thinned(run) {
  const out = run.slice(0, 2);
  for (let from = 0, to = 4; to < run.length; to += 2) {
    if (to - from <= 2 * STRETCH && straight(run, from, to)) continue;
    from = to - 2;
    out.push(run[from], run[from + 1]);
  }
  if (run.length > 2) out.push(...run.slice(-2));
  return out;
}

const hundredth = (pixels) => Math.round(100 * pixels) / 100; // the browser reads short numbers sooner

function joined(run) {
  let text = hundredth(run[0]) + "," + hundredth(run[1]);
  for (let i = 2; i < run.length; i += 2) text += "L" + hundredth(run[i]) + "," + hundredth(run[i + 1]);
  return text;
}

const pathOf = (run) => "M" + joined(run);
const NOTHING = "M0,0";

function linkedPath(runs, acrossGaps) {
  if (!runs.length) return "";
  return acrossGaps ? "M" + runs.map(joined).join("L") : runs.map(pathOf).join("Z");
}

function backwards(run) {
  const out = [];
  for (let i = run.length - 2; i >= 0; i -= 2) out.push(run[i], run[i + 1]);
  return out;
}

const reversed = (runs) => runs.map(backwards).reverse();

// Like Plotly, fills towards an axis or the next line run across gaps, others close each run on itself.
const runsAcrossGaps = (fill) => /[xy]$/.test(fill);

function fillPath(fill, runs, before, xaxis, yaxis) {
  if (!runs.length) return NOTHING;
  if (fill === "toself") return linkedPath(runs, false) + "Z";
  const [firstX, firstY] = runs[0], [lastX, lastY] = runs.at(-1).slice(-2);
  if (fill === "tozeroy") {
    const zero = yaxis.c2p(0, true);
    return `M${lastX},${zero}L${firstX},${zero}L` + linkedPath(runs, true).slice(1);
  }
  if (fill === "tozerox") {
    const zero = xaxis.c2p(0, true);
    return `M${zero},${lastY}L${zero},${firstY}L` + linkedPath(runs, true).slice(1);
  }
  if (!before.runs.length) return NOTHING;
  const there = linkedPath(runs, runsAcrossGaps(fill));
  const back = linkedPath(reversed(before.runs), runsAcrossGaps(before.fill));
  return there + (fill === "tonext" ? "Z" + back : "L" + back.slice(1)) + "Z";
}

// Only what differs is written, so that the browser paints only what has moved.
const put = (element, name, value) => element.getAttribute(name) !== value && element.setAttribute(name, value);

// Copies of Plotly's own elements, one set a trace, drawn in their place while something moves.
class Overlay {
  constructor(gd) {
    this.gd = gd;
    this.templates = new Map(); // trace index -> {line, fill, next, point}: elements to copy
    this.layers = new Map(); // trace index -> what is drawn now
    this.shown = false;
  }
  group(index) {
    return this.gd.querySelector(".scatterlayer .trace" + this.gd._fullData[index].uid);
  }
  // Called once, while every trace has a point: remembers how Plotly styles it.
  learn(indices) {
    for (const index of indices) {
      const group = this.group(index), trace = this.gd._fullData[index];
      if (!group) continue;
      const fills = [...group.querySelectorAll(":scope > .fills path.js-fill")];
      const own = ["toself", "tozeroy", "tozerox"].includes(trace.fill);
      const copy = (element) => element?.cloneNode(false) ?? null;
      this.templates.set(index, {
        line: trace.line?.width ? copy(group.querySelector(":scope > .lines path.js-line")) : null,
        fill: own ? copy(fills.shift()) : null,
        next: copy(fills.shift()),
        point: copy(group.querySelector(":scope > .points path.point")),
      });
    }
  }
  // The <g> beside Plotly's own container, made anew where Plotly threw it away.
  layer(index) {
    const known = this.layers.get(index);
    if (known?.group.isConnected) return known;
    const group = this.group(index);
    if (!group) return null;
    const template = this.templates.get(index);
    if (!template) return null;
    const add = (container, element) => {
      const parent = group.querySelector(":scope > ." + container);
      if (!parent || !element) return null;
      const home = document.createElementNS(SVG, "g");
      home.setAttribute("class", "live-" + container);
      parent.after(home);
      return home;
    };
    const path = (home, element) => {
      if (!home || !element) return null;
      const copy = element.cloneNode(false);
      copy.setAttribute("class", "live-path");
      copy.style.opacity = "";
      copy.setAttribute("d", NOTHING);
      home.append(copy);
      return copy;
    };
    const fills = add("fills", template.fill ?? template.next), lines = add("lines", template.line), points = add("points", template.point);
    const own = group.querySelectorAll(":scope > .fills, :scope > .lines, :scope > .points");
    const made = { group, own, homes: [fills, lines, points].filter(Boolean), points, pool: [], point: template.point };
    made.next = path(fills, template.next);
    made.fill = path(fills, template.fill);
    made.line = path(lines, template.line);
    this.layers.set(index, made);
    return made;
  }
  // traces: [{index, x, y}] in drawing order
  draw(traces) {
    const layout = this.gd._fullLayout, before = new Map();
    this.shown = true;
    for (const { index, x, y } of traces) {
      const trace = this.gd._fullData[index], layer = this.layer(index);
      if (!layer) continue;
      const xaxis = axisOf(layout, trace.xaxis), yaxis = axisOf(layout, trace.yaxis), panel = trace.xaxis + trace.yaxis;
      const runs = runsOf(x, y, xaxis, yaxis);
      this.exchange(layer, true);
      if (layer.line) put(layer.line, "d", runs.map(pathOf).join("") || NOTHING);
      const previous = before.get(panel), fill = trace.fill ?? "none";
      if (layer.fill) put(layer.fill, "d", fillPath(fill, runs, null, xaxis, yaxis));
      else if (fill.startsWith("tonext") && previous?.layer.next) put(previous.layer.next, "d", fillPath(fill, runs, previous, xaxis, yaxis));
      if (layer.points) this.movePoints(layer, x, y, xaxis, yaxis);
      before.set(panel, { layer, runs, fill });
    }
  }
  movePoints(layer, x, y, xaxis, yaxis) {
    for (let i = layer.pool.length; i < y.length; i++) {
      const copy = layer.point.cloneNode(false);
      copy.setAttribute("class", "live-point");
      copy.style.opacity = "";
      layer.points.append(copy);
      layer.pool.push(copy);
    }
    layer.pool.forEach((element, i) => {
      const px = i < y.length ? xaxis.c2p(x[i]) : NaN, py = i < y.length ? yaxis.c2p(y[i]) : NaN;
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
  // Our copies in place of Plotly's own elements, or the other way round.
  exchange(layer, ours) {
    for (const home of layer.homes) home.style.display = ours ? "" : "none";
    for (const own of layer.own) own.style.display = ours ? "none" : "";
  }
}

// ---------------------------------------------------------------- the figure

// A band's vertices: for each run without a gap, up along `upper` and back along `lower`.
function bandPolygon(x, lower, upper) {
  const px = [], py = [];
  let start = 0;
  const close = (end) => {
    if (end > start) {
      if (px.length) px.push(NaN), py.push(NaN);
      for (let i = start; i < end; i++) px.push(x[i]), py.push(upper[i]);
      for (let i = end - 1; i >= start; i--) px.push(x[i]), py.push(lower[i]);
    }
    start = end + 1;
  };
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(lower[i]) || !Number.isFinite(upper[i])) close(i);
  close(x.length);
  return { x: px, y: py };
}

// What a row means for each trace: [{index, kind, x, y | z}], in drawing order.
function readRow(layout, row) {
  let at = 0;
  return layout.map(({ index, kind, shape, x }) => {
    const size = shape.reduce((a, b) => a * b, 1), values = row.subarray(at, at + size), n = shape.at(-1);
    at += size;
    if (kind === "y") return { index, kind, x, y: values };
    if (kind === "xy") return { index, kind, x: values.subarray(0, n), y: values.subarray(n) };
    if (kind === "band") return { index, kind, ...bandPolygon(x, values.subarray(0, n), values.subarray(n)) };
    const z = Array.from({ length: shape[0] }, (_, i) => values.subarray(i * n, (i + 1) * n));
    return { index, kind, z };
  });
}

// No button that sends the figure to a server: the course talks to nobody.
const TOOLBAR = { displaylogo: false, showSendToCloud: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };

const sameValues = (a, b) => a && b && a.length === b.length && a.every((v, i) => v === b[i] || (v !== v && b[i] !== b[i]));

// Everything about one figure that needs no kernel: draws rows, fast or through Plotly.
export class Picture {
  constructor(root, spec, Plotly) {
    Object.assign(this, { spec, Plotly });
    this.gd = root;
    this.overlay = new Overlay(root);
    this.moving = spec.layout_of_row;
    this.light = new Set(this.moving.filter((t) => spec.figure.data[t.index].type === "scatter").map((t) => t.index));
    this.last = null;
    this.ranges = "";
    this.queue = Promise.resolve();
  }
  async start(row, ranges) {
    const { data, layout } = this.spec.figure;
    for (const { index } of this.moving) {
      if (!this.light.has(index)) continue;
      (data[index].line ??= {}).simplify ??= false; // else the line jumps by 0.7 px when Plotly takes over
    }
    const real = readRow(this.moving, row);
    this.probe(data, layout);
    await this.Plotly.newPlot(this.gd, data, layout, TOOLBAR);
    this.overlay.learn(this.moving.filter((t) => this.light.has(t.index)).map((t) => t.index));
    this.last = real;
    await this.redraw(real);
    await this.setRanges(ranges);
  }
  // Give every moving line two points, so that Plotly makes each of its elements once.
  probe(data, layout) {
    for (const { index } of this.moving) {
      if (!this.light.has(index)) continue;
      const y = layout[(data[index].yaxis ?? "y").replace("y", "yaxis")] ?? {};
      const x = layout[(data[index].xaxis ?? "x").replace("x", "xaxis")] ?? {};
      const ends = (axis) => (axis.range ? axis.range.map((v) => (axis.type === "log" ? 10 ** v : v)) : [1, 2]);
      [data[index].x, data[index].y] = [ends(x), ends(y)];
    }
  }
  redraw(traces) {
    const columns = { x: [], y: [], z: [] }, indices = { x: [], y: [], z: [] };
    const note = (key, index, value) => (columns[key].push(value), indices[key].push(index));
    for (const t of traces) {
      if (t.kind === "z") note("z", t.index, t.z.map((r) => Array.from(r)));
      else {
        note("x", t.index, Array.from(t.x));
        note("y", t.index, Array.from(t.y, (v) => (Number.isNaN(v) ? null : v)));
      }
    }
    const work = async () => {
      if (indices.y.length) await this.Plotly.restyle(this.gd, { x: columns.x, y: columns.y }, indices.y);
      if (indices.z.length) await this.Plotly.restyle(this.gd, { z: columns.z }, indices.z);
    };
    return (this.queue = this.queue.then(work));
  }
  // Axes that move do so at once, since they move seldom; an axis that a reader zoomed stays until then.
  setRanges(ranges) {
    const wanted = JSON.stringify(ranges);
    if (wanted === this.ranges || wanted === "{}") return Promise.resolve();
    this.ranges = wanted;
    return (this.queue = this.queue.then(() => this.Plotly.relayout(this.gd, ranges)));
  }
  // Draw now, at screen rate; bars and heat maps go through Plotly, one redraw at a time.
  move(row, ranges) {
    const traces = readRow(this.moving, row), old = this.last, ranged = this.ranges;
    const drawLight = () => this.overlay.draw(this.last.filter((t) => this.light.has(t.index)));
    this.last = traces;
    const moved = this.setRanges(ranges);
    if (this.ranges !== ranged) moved.then(() => this.overlay.shown && drawLight());
    drawLight();
    const heavy = traces.filter((t, i) => !this.light.has(t.index) && !this.same(t, old?.[i]));
    if (!heavy.length || this.heavyBusy) return;
    this.heavyBusy = true;
    this.redraw(heavy).finally(() => (this.heavyBusy = false));
  }
  same(a, b) {
    return b && (a.z ? a.z.every((r, i) => sameValues(r, b.z[i])) : sameValues(a.y, b.y));
  }
  // Hand over to Plotly: hover, zoom and legend are right again.
  async settle(stillResting) {
    await this.redraw(this.last);
    if (stillResting()) this.overlay.hide();
  }
}

// ---------------------------------------------------------------- states, tables and the kernel

// control: {get() -> index on its grid or {value}, set(number): to the nearest place, count, onChange(f) -> off, id}
// source: {ask(key), fill(keys), listen(f) -> off}; without a kernel `ask` fails and only baked rows are drawn
export class Live {
  constructor(el, spec, Plotly, controls, source) {
    Object.assign(this, { el, spec, controls, source });
    this.plot = el.appendChild(document.createElement("div"));
    this.plot.className = "live-plot";
    this.plot.setAttribute("role", "group"); // not "img": its toolbar has buttons
    this.plot.setAttribute("aria-label", spec.label);
    this.summary = el.appendChild(document.createElement("p"));
    this.summary.className = "live-summary";
    this.spoken = el.appendChild(document.createElement("div"));
    this.spoken.className = "live-spoken";
    this.spoken.setAttribute("role", "status");
    this.alert = el.appendChild(document.createElement("div"));
    this.alert.className = "live-error";
    this.alert.setAttribute("role", "alert");
    this.alert.hidden = true;
    this.picture = new Picture(this.plot, spec, Plotly);
    this.cache = new RowCache(4 * spec.size);
    this.asking = null; // id of the state asked for and not yet answered
    this.filling = null; // id of the fill under way
    this.filled = null; // the control whose table it fills
    this.tried = new Set(); // states whose computation failed in a fill: asked for only when a hand comes there
    this.hand = 0; // the control that moved last
    this.touched = false;
    this.frame = 0;
    this.timer = 0;
    this.turn = 0; // counts what was shown
    this.off = [];
  }
  key() {
    return this.controls.map((c) => c.get());
  }
  async start(firstKey, row, notes) {
    this.cache.put(JSON.stringify(firstKey), { row, notes });
    this.say(notes.summary);
    this.el.dataset.phase = "starting";
    this.width = this.el.clientWidth;
    await this.picture.start(row, notes.ranges);
    this.off.push(this.source.listen((message, buffers) => this.receive(message, buffers)));
    this.controls.forEach((control, i) => this.off.push(control.onChange(() => this.changed(i))));
    this.watchHands();
    this.plot.on("plotly_click", ({ points }) => this.clicked(points));
    const sizes = new ResizeObserver(() => this.resize());
    sizes.observe(this.el);
    this.off.push(() => sizes.disconnect());
    this.el.dataset.state = JSON.stringify(firstKey);
    this.el.dataset.phase = "rest";
    if (JSON.stringify(this.key()) !== this.el.dataset.state) this.draw();
  }
  stop() {
    this.off.forEach((off) => off());
    clearTimeout(this.timer);
    cancelAnimationFrame(this.frame);
    this.picture.Plotly.purge(this.plot);
  }
  // A pointer or the focus on a control says which table is wanted next.
  watchHands() {
    const near = (event) => {
      const index = this.controls.findIndex((c) => event.target.closest?.("." + c.id));
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
  clicked(points) {
    for (const { index, controls } of this.spec.clicks) {
      const hit = points.find((point) => point.curveNumber === index);
      if (hit) [hit.x, hit.y].forEach((value, i) => this.controls[controls[i]].set(value));
    }
  }
  resize() {
    const width = this.el.clientWidth;
    if (!width || width === this.width) return;
    this.width = width;
    requestAnimationFrame(() => this.el.isConnected && this.picture.Plotly.Plots.resize(this.plot));
  }
  changed(index) {
    this.hand = index;
    this.touched = true;
    this.el.dataset.phase = "moving";
    if (this.filling && this.filled !== index) this.pause();
    const key = this.key(), id = JSON.stringify(key);
    if (!this.cache.has(id)) this.ask(key, id); // now, before the control tells the kernel that it moved
    this.frame ||= requestAnimationFrame(() => this.draw());
  }
  draw() {
    this.frame = 0;
    const key = this.key(), id = JSON.stringify(key), known = this.cache.get(id);
    if (!known) return this.ask(key, id);
    this.show(id, known);
    if (this.entersNewTable(key)) this.plan();
  }
  show(id, known) {
    const turn = ++this.turn;
    clearTimeout(this.timer);
    this.alert.hidden = true;
    this.picture.move(known.row, known.notes.ranges);
    this.say(known.notes.summary);
    this.el.dataset.state = id;
    // A frame more: after a long redraw the timer would be served before the moves that came meanwhile.
    this.timer = setTimeout(() => requestAnimationFrame(() => this.rest(id, turn)), SETTLE_MS);
  }
  async rest(id, turn) {
    const stillResting = () => !this.frame && JSON.stringify(this.key()) === id && this.turn === turn;
    if (!stillResting()) return;
    await this.picture.settle(stillResting);
    if (!stillResting()) return;
    this.spoken.textContent = this.summary.textContent;
    this.el.dataset.phase = "rest";
    this.plan();
  }
  say(text) {
    this.summary.textContent = text ?? "";
    this.summary.hidden = !text;
  }
  // One request in flight; when it is answered, the state the controls have by then is drawn or asked for.
  ask(key, id) {
    if (this.asking) return;
    this.asking = id;
    this.source.ask(key, id);
  }
  async receive(message, buffers) {
    if (message.type === "error") return this.failed(message);
    if (message.type === "filled") {
      if (message.id === this.filling) this.filling = null;
      for (const key of message.failed) this.tried.add(JSON.stringify(key));
      return this.el.dataset.phase === "rest" && this.plan();
    }
    const rows = await unpackRows(buffers[0], message.packed), size = this.spec.size;
    message.keys.forEach((key, i) => {
      this.cache.put(JSON.stringify(key), { row: rows.subarray(i * size, (i + 1) * size), notes: message.notes[i] });
    });
    if (message.shown) this.show("[]", this.cache.get("[]"));
    else if (message.answers) this.answered(message.answers);
    else if (this.el.dataset.state !== JSON.stringify(this.key())) this.frame ||= requestAnimationFrame(() => this.draw());
  }
  // What was asked for is shown even if the hand has moved on: a slow kernel then lags, but does not freeze.
  answered(id) {
    if (this.asking !== id) return;
    this.asking = null;
    if (this.cache.has(id)) this.show(id, this.cache.get(id));
    if (JSON.stringify(this.key()) !== id) this.frame ||= requestAnimationFrame(() => this.draw());
    else if (this.entersNewTable(this.key())) this.plan();
  }
  failed({ answers, message }) {
    if (this.asking !== answers) return;
    this.asking = null;
    if (JSON.stringify(this.key()) !== answers) return this.draw();
    this.alert.textContent = message;
    this.alert.hidden = false;
    this.el.dataset.phase = "error";
  }
  // The states along one control's slider through `key`, nearest first, that are not here yet.
  missing(key, index) {
    const { count } = this.controls[index], here = key[index], start = typeof here === "number" ? here : 0, out = [];
    for (let step = 0; step < count; step++) {
      for (const i of step ? [start + step, start - step] : [start]) {
        if (i < 0 || i >= count) continue;
        const state = key.slice();
        state[index] = i;
        const id = JSON.stringify(state);
        if (!this.cache.has(id) && !this.tried.has(id)) out.push(state);
      }
    }
    return out;
  }
  entersNewTable(key) {
    const row = JSON.stringify(key.map((k, i) => (i === this.hand ? null : k))) + this.hand;
    if (row === this.plannedRow) return false;
    this.plannedRow = row;
    return true;
  }
  // Ask for the table of the control in hand; once it is here, for those of the others through the same state.
  plan() {
    if (!this.touched || !this.source.fill) return;
    const key = this.key(), order = [this.hand, ...this.controls.keys()].filter((v, i, a) => a.indexOf(v) === i);
    let wanted = [], filled = this.hand;
    for (const index of order) if (!wanted.length) wanted = this.missing(key, (filled = index));
    const id = JSON.stringify(wanted.at(0) ?? null) + this.hand;
    if (!wanted.length || this.filling === id) return;
    if (this.tried.size > 4096) this.tried.clear();
    this.filling = id;
    this.filled = filled;
    this.source.fill(wanted, id);
  }
  // A table of another control waits until the hand rests: till then the processors belong to the picture.
  pause() {
    this.filling = null;
    this.source.fill([], "pause");
  }
}

// ---------------------------------------------------------------- inside Jupyter

// Where a control stands on its grid; grids come from Python (see live.Grid).
function gridIndex(grid, model) {
  if (grid.kind === "index") return model.get("index");
  if (grid.kind === "bool") return model.get("value") ? 1 : 0;
  const value = model.get("value");
  const place = grid.kind === "log" ? Math.log(value) / Math.log(grid.base) : value;
  const index = Math.round((place - grid.start) / grid.step);
  const onGrid = grid.start + index * grid.step;
  const near = Math.abs(place - onGrid) <= 1e-6 * grid.step;
  return near && index >= 0 && index < grid.count ? index : { value };
}

// The value on a slider's grid that is nearest to a number.
function gridValue(grid, number) {
  const place = grid.kind === "log" ? Math.log(number) / Math.log(grid.base) : number;
  const index = Math.min(Math.max(Math.round((place - grid.start) / grid.step), 0), grid.count - 1);
  const value = Number((grid.start + index * grid.step).toFixed(12));
  return grid.kind === "log" ? grid.base ** value : value;
}

const TELL_MS = 100; // pause between two places of a moving control that the kernel hears of

// ipywidgets sends a control's next place as soon as the kernel has dealt with the one before. All that traffic takes
// the processors from the picture, which needs none of it; so ipywidgets learns later that the kernel is ready again.
// What it holds back meanwhile, the last place and the kernel's echoes stay its own business.
function tellSeldom(model) {
  if (Object.hasOwn(model, "_handle_status")) return;
  const handle = model._handle_status;
  model._handle_status = (message) => setTimeout(() => handle.call(model, message), TELL_MS);
}

function jupyterControl(grid, model) {
  tellSeldom(model);
  const events = grid.kind === "index" ? "change:index" : "change:value";
  return {
    id: grid.id,
    count: grid.count,
    get: () => gridIndex(grid, model),
    set(number) {
      model.set("value", gridValue(grid, number));
      model.save_changes();
    },
    onChange(react) {
      model.on(events, react);
      return () => model.off(events, react);
    },
  };
}

function jupyterSource(model, channel) {
  const view = Math.random().toString(36).slice(2);
  return {
    ask: (key, id) => channel.send({ type: "ask", view, key, id }),
    fill: (keys, id) => channel.send({ type: "fill", view, keys, id }),
    listen(react) {
      const mine = (message, buffers) => (message.view === undefined || message.view === view) && react(message, buffers);
      const shown = () => {
        const notes = [model.get("notes_shown")];
        react({ type: "rows", shown: true, keys: [[]], notes, packed: false }, [model.get("row_shown")]);
      };
      channel.on("msg:custom", mine);
      model.on("change:row_shown", shown);
      return () => {
        channel.off("msg:custom", mine);
        model.off("change:row_shown", shown);
      };
    },
  };
}

export default {
  async render({ model, el }) {
    const find = (reference) => model.widget_manager.get_model(reference.slice("IPY_MODEL_".length));
    el.classList.add("live-figure");
    const references = [model.get("library"), model.get("channel"), ...model.get("controls")];
    const [library, channel, ...controls] = await Promise.all(references.map(find));
    const Plotly = await loadPlotly(library);
    const spec = structuredClone(model.get("spec"));
    const sliders = controls.map((c, i) => jupyterControl(spec.grids[i], c));
    const live = new Live(el, spec, Plotly, sliders, jupyterSource(model, channel));
    el.live = live;
    await live.start(spec.first, await unpackRows(model.get("row_shown"), false), model.get("notes_shown"));
    return () => live.stop();
  },
};
