// The network picture: the network with its input on the left and the loss on the right, and the gradient as light that
// travels back. Beads, lines and light are pixels; lamp, arcs, wave and text are drawn on the canvas over them.

import { lookOf } from "./looks.js";
import {
  arrivesAt,
  carrierOf,
  DIM,
  darkTo,
  describeColumn,
  FLOOR,
  factorOf,
  HOT,
  hasRails,
  LEVELS,
  levelOf,
  placeOfColumn,
} from "./net.js";

/** @typedef {import("./net.js").Net} Net */
/** @typedef {import("./pixels.js").Pixels} Pixels */
/**
 * @typedef {object} View Where and how one network is drawn; lengths in CSS pixels.
 * @property {number} top of its strip
 * @property {number} height
 * @property {number} width
 * @property {number} scale device pixels to one
 * @property {(place: number) => number} across x of a place on the axis of the plot
 * @property {import("./looks.js").LookName} look
 * @property {number} time of the pulse, 0 … 1; 1 at rest
 * @property {number} hover the column under the reading cursor, from 0; -1 for none
 * @property {boolean} last whether this is the lowest network
 */
/** @typedef {ReturnType<typeof frameOf>} Frame */

export const PULSE_MS = 1150;
export const FORWARD_ENDS = 0.34;
export const BACKWARD_STARTS = 0.42;
const BACKWARD_ENDS = 0.95;
const FONT = 'Inter, "Segoe UI", "Helvetica Neue", "DejaVu Sans", Arial, sans-serif';
const NARROW_STRIP = 640; // pixels of width
const LOW_STRIP = 110; // pixels of height

/**
 * The position of the pulse: columns below `forward` have fired, columns from `backward` on have their gradient.
 * @param {number} time
 * @param {number} columns
 */
export function frontsOf(time, columns) {
  if (time >= 1) return { forward: columns, backward: -2, rest: true, loss: 1 };
  const back = (time - BACKWARD_STARTS) / (BACKWARD_ENDS - BACKWARD_STARTS);
  return {
    forward: Math.min(1, time / FORWARD_ENDS) * (columns + 0.5),
    backward: back <= 0 ? columns : columns - back * (columns + 2),
    rest: false,
    loss: Math.min(1, Math.max(0, (time - FORWARD_ENDS) / 0.05)),
  };
}

/**
 * @param {Pixels} pixels
 * @param {CanvasRenderingContext2D} ctx
 * @param {Net} net
 * @param {View} view
 */
function frameOf(pixels, ctx, net, view) {
  const { columns, units } = net;
  const first = view.across(placeOfColumn(net, 0));
  const end = view.across(net.last);
  const pitch = columns > 1 ? (end - first) / (columns - 1) : Math.abs(view.across(net.last + 1) - end);
  const narrow = view.width < NARROW_STRIP;
  const low = view.height < LOW_STRIP;
  const lowest = view.height < 70;
  const above = low ? (lowest ? 16 : 18) : net.kind === "blocks" ? 38 : 26;
  const top = view.top + above;
  const shut = showsShut(net) ? (low ? 5 : 8) : 0; // room for bars
  const bottom = view.top + view.height - (low ? (lowest ? 15 : 18) : 26) - shut;
  const step = (bottom - top) / units;
  const middle = (top + bottom) / 2 - (net.kind === "chain" ? 4 : 0);
  const right = end + Math.min(pitch / 2, 20);
  const dense = Math.max(1, Math.ceil((low ? 4.4 : 5.5) / step)); // for lack of room, every second unit
  return {
    ...{ pixels, ctx, net, view, of: lookOf(view.look), s: view.scale, fronts: frontsOf(view.time, columns) },
    ...{ first, end, pitch, narrow, low, top, bottom, step, middle, left: first - Math.min(pitch / 2, 20), right },
    every: units > 4 ? dense : 1,
    lampX: Math.min(view.width - (narrow ? 12 : 16), right + (narrow ? 18 : 30)),
    x: (/** @type {number} */ c) => first + c * pitch,
    y: (/** @type {number} */ r, /** @type {number} */ c) =>
      top + (r + 0.5 + (net.counts ? (units - net.counts[c]) / 2 : 0)) * step,
    count: (/** @type {number} */ c) => (net.counts ? net.counts[c] : units),
    lit: (/** @type {number} */ c) => levelOf(net.level[c]),
  };
}

/**
 * Draw networks one below the other, over the whole canvas, which has the size of `pixels`.
 * @param {CanvasRenderingContext2D} ctx
 * @param {Pixels} pixels
 * @param {Net[]} nets
 * @param {View[]} views
 */
export function drawNets(ctx, pixels, nets, views) {
  const { scale, look } = views[0];
  pixels.clear(lookOf(look).packed.ground);
  const frames = nets.map((net, i) => frameOf(pixels, ctx, net, views[i]));
  for (const frame of frames) paintPixels(frame);
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  ctx.putImageData(pixels.image(), 0, 0);
  ctx.setTransform(scale, 0, 0, scale, 0, 0);
  for (const frame of frames) paintCanvas(frame);
}

/** @param {Frame} g */
function paintPixels(g) {
  const { net, view } = g;
  if (!view.last)
    g.pixels.rect(
      0,
      (view.top + view.height - 1) * g.s,
      g.pixels.width,
      (view.top + view.height) * g.s,
      g.of.packed.edge,
    );
  if (net.kind !== "chain") paintField(g);
  if (view.hover >= 0 && view.hover < net.columns) paintReading(g);
  paintInput(g);
  paintWaysToLoss(g);
  if (net.kind === "chain") return;
  paintWires(g);
  if (net.norm && net.norm !== "none") paintGates(g);
  paintUnits(g);
  paintShut(g);
}

/** @param {Frame} g */
function paintCanvas(g) {
  if (g.net.kind === "chain") drawChain(g);
  if (g.net.kind === "blocks") drawArcs(g);
  drawWave(g);
  drawLamp(g);
  drawWords(g);
}

/**
 * @param {Frame} g
 * @param {number} c
 */
const hasGradient = (g, c) => c >= g.fronts.backward;

/** @param {number} k a level, as a share of the light below that of the last column */
const dimShare = (k) => Math.min(1, k / DIM);
/** @param {number} k a level, as a share of what is above it */
const hotShare = (k) => Math.max(0, (k - DIM) / HOT);

// ---------------------------------------------------------------- pixels

/**
 * The light around the columns, soft at its edges.
 * @param {Frame} g
 */
function paintField(g) {
  const { pixels, s, net, of, x, pitch } = g;
  const { columns } = net;
  const start = Math.max(0, Math.ceil(g.fronts.backward));
  if (start >= columns) return;
  const alphas = new Float32Array(columns);
  const levels = new Uint8Array(columns);
  for (let c = start; c < columns; c++) {
    levels[c] = g.lit(c);
    const [bright, hot] = [dimShare(levels[c]), hotShare(levels[c])];
    alphas[c] = 256 * (of.field * bright * bright + of.burn * hot * Math.sqrt(hot));
  }
  const soft = (g.low ? 6 : 12) * s;
  const from = Math.max(0, Math.round(x(start) * s - soft));
  const to = Math.min(pixels.width, Math.round(x(columns - 1) * s + soft));
  const row = new Uint16Array(Math.max(0, to));
  const colours = new Uint32Array(Math.max(0, to));
  for (let i = from; i < to; i++) {
    const at = Math.min(columns - 1, Math.max(start, ((i + 0.5) / s - x(0)) / (pitch || 1)));
    const [c, t] = [Math.floor(at), at - Math.floor(at)];
    const next = Math.min(columns - 1, c + 1);
    row[i] = (alphas[c] + t * (alphas[next] - alphas[c])) * Math.min(1, (i - from) / soft, (to - i) / soft);
    colours[i] = of.packed.level[t < 0.5 ? levels[c] : levels[next]];
  }
  const [y0, y1] = [Math.round((g.top - 2) * s), Math.round((g.bottom + 2) * s)];
  for (let y = y0 - Math.round(soft) + 1; y < y1 + soft - 1; y++) {
    const outside = y < y0 ? y0 - y : y >= y1 ? y - y1 + 1 : 0;
    const fade = (1 - outside / soft) ** 2;
    if (outside === 0 && y > y0) copyRow(pixels, y0, y, from, to);
    else
      for (let i = from; i < to; i++) if (row[i]) pixels.blend(y * pixels.width + i, colours[i], (row[i] * fade) | 0);
  }
}

/**
 * @param {Pixels} pixels
 * @param {number} source
 * @param {number} target
 * @param {number} from
 * @param {number} to
 */
function copyRow({ px, width }, source, target, from, to) {
  px.copyWithin(target * width + from, source * width + from, source * width + to);
}

/** @param {Frame} g */
function paintReading(g) {
  const { pixels, s, of } = g;
  const half = Math.min(9, Math.max(g.pitch, 3) / 2);
  const at = g.x(g.view.hover);
  pixels.rect((at - half) * s, (g.top - 6) * s, (at + half) * s, (g.bottom + 6) * s, of.packed.text, 48);
}

/**
 * The style of a line that carries a gradient of this level.
 * @param {Frame} g
 * @param {number} k
 * @param {number} strength
 * @returns {[number, number, number]} colour, width, alpha
 */
function penOf({ of, s }, k, strength) {
  if (!k) return [of.packed.wire, 0.8 * s, 1];
  return [of.packed.level[k], (0.5 + 0.8 * dimShare(k) + 0.5 * hotShare(k)) * strength * s, 0.75];
}

/**
 * Draw a line from each unit to the unit of the next column from which most of its gradient comes; if a skip or a
 * recurrent cell carries on the unit's own value, also a straight rail.
 * @param {Frame} g
 */
function paintWires(g) {
  const { pixels, s, net, x, y, pitch } = g;
  const { columns, units, links, rows } = net;
  const rails = hasRails(net);
  for (let c = 0; c < columns - 1; c++) {
    const on = hasGradient(g, c);
    const [x0, x1] = [x(c) * s, x(c + 1) * s];
    if (links && pitch >= 10) {
      const k = on ? levelOf(rows.branch ? rows.branch[c] : net.level[c]) : 0;
      const [colour, wide, alpha] = penOf(g, k, rails ? 0.6 : 1);
      for (let r = 0; r < g.count(c); r += g.every) {
        const at = c * units + r;
        const to = links[at] - (links[at] % g.every); // only the first unit of a pair is drawn
        if (net.bytes[at] & 15) pixels.line(x0, y(r, c) * s, x1, y(to, c + 1) * s, colour, wide, alpha);
      }
    }
    if (!rails || pitch < 5) continue;
    const k = on ? levelOf(rows.skip ? rows.skip[c] : net.level[c]) : 0;
    const [colour, wide, alpha] = penOf(g, k, 1.3);
    for (let r = 0; r < g.count(c); r += g.every) pixels.line(x0, y(r, c) * s, x1, y(r, c) * s, colour, wide, alpha);
  }
}

/**
 * Normalization: a thin dotted gate before each column, or between the rails if it is only in the branches.
 * @param {Frame} g
 */
function paintGates(g) {
  const { net, pitch, step, every } = g;
  if (pitch < 5) return;
  const before = net.norm?.startsWith("pre_");
  for (let c = net.kind === "blocks" ? 1 : 0; c < net.columns; c++) {
    const at = g.x(c) - pitch * (before ? 0.75 : net.kind === "blocks" ? 0.25 : 0.5);
    if (before) for (let r = 0; r < net.units; r += every) paintDot(g, at, g.y(r, c) + (step * every) / 2 - 1);
    else for (let y = g.top - 4; y < g.bottom + 4; y += 5) paintDot(g, at, y);
  }
}

/**
 * @param {Frame} g
 * @param {number} x
 * @param {number} y
 */
function paintDot({ pixels, s, of }, x, y) {
  pixels.rect((x - 0.5) * s, y * s, (x + 0.5) * s, (y + 2) * s, of.packed.text, 140);
}

/** @param {Frame} g */
function paintUnits(g) {
  const { pixels, s, net, of, x, y, every } = g;
  const { columns, units, lit, bytes } = net;
  const { level, forward, unlit, ground } = of.packed;
  const room = g.every * g.step * 0.47;
  const radius = Math.max(0.7, Math.min(g.pitch * 0.46, room, g.low ? 5 : 9)) * s;
  const faint = Math.max(0.7 * s, radius * 0.3);
  const sizes = Float32Array.from({ length: LEVELS }, (_, k) =>
    k ? radius * (0.42 + 0.48 * dimShare(k) + 0.45 * hotShare(k)) : faint,
  );
  for (let c = 0; c < columns; c++) {
    const at = x(c) * s;
    const on = hasGradient(g, c);
    const fired = c < g.fronts.forward;
    for (let r = 0; r < g.count(c); r += every) {
      const k = c * units + r;
      const active = bytes[k] >> 4;
      const place = y(r, c) * s;
      if (!on && fired && active) pixels.disc(at, place, radius * (0.4 + 0.03 * active), 0, forward[active]);
      else if (!on) pixels.disc(at, place, faint, 0, unlit);
      else if (active) pixels.disc(at, place, sizes[lit[k]], 0, lit[k] ? level[lit[k]] : unlit);
      else {
        // closed: it receives a gradient but passes on nothing
        pixels.disc(at, place, radius * 0.8, 0, ground);
        pixels.disc(at, place, radius * 0.88, 0.65, lit[k] ? level[lit[k]] : unlit);
      }
    }
  }
}

/** @param {Net} net */
const showsShut = (net) => net.kind !== "chain" && net.shut.some((share) => share > 12);

/**
 * The share of each column that passes on nothing, as a bar beneath it.
 * @param {Frame} g
 */
function paintShut(g) {
  const { pixels, s, net, of } = g;
  if (!showsShut(net)) return;
  const half = Math.min(g.pitch * 0.3, 8);
  for (let c = 0; c < net.columns; c++) {
    const tall = ((g.low ? 4 : 7) * net.shut[c]) / 255;
    const base = g.bottom + (g.low ? 4 : 10); // above the text beneath
    if (tall > 0.15) pixels.rect((g.x(c) - half) * s, (base - tall) * s, (g.x(c) + half) * s, base * s, of.packed.text);
  }
}

/**
 * The digit that the network sees, and lines from it to the first column.
 * @param {Frame} g
 */
function paintInput(g) {
  const { pixels, s, net, of, middle, view } = g;
  if (!net.input || view.height < 70) return;
  const cell = g.narrow ? 3 : g.low ? 4 : 5;
  const left = Math.max(g.narrow ? 4 : 14, g.left - 8 * cell - (g.narrow ? 10 : 18));
  for (let k = 0; k < 64; k++) {
    const px = (left + (k % 8) * cell) * s;
    const py = (middle + ((k >> 3) - 4) * cell) * s;
    pixels.rect(
      px,
      py,
      px + (cell - 1) * s,
      py + (cell - 1) * s,
      of.packed.forward[Math.round((Number(net.input[k]) / 9) * 15)],
    );
  }
  const from = (left + 8 * cell + 2) * s;
  for (let r = 0; r < net.units; r += g.every) {
    if (g.first * s > from) pixels.line(from, middle * s, g.first * s, g.y(r, 0) * s, of.packed.wire, s, 1);
  }
}

/** @param {Frame} g */
function paintWaysToLoss(g) {
  const { pixels, s, net, of, middle } = g;
  const last = net.columns - 1;
  const lit = g.fronts.loss > 0 && hasGradient(g, last);
  const colour = lit ? of.packed.level[Math.min(DIM, g.lit(last))] : of.packed.wire;
  for (let r = 0; r < g.count(last); r += g.every) {
    const y = net.kind === "chain" ? middle : g.y(r, last);
    pixels.line(g.end * s, y * s, g.lampX * s, middle * s, colour, s, lit ? 0.5 : 1);
  }
}

// ---------------------------------------------------------------- canvas

/**
 * The skip around each block.
 * @param {Frame} g
 */
function drawArcs({ ctx, net, of, x, pitch, top, low, fronts }) {
  const lift = low ? 6 : Math.min(16, Math.max(6, pitch * 0.6));
  ctx.setLineDash(net.skip === 0 ? [1, 3] : []);
  for (let c = 0; c < net.columns - 1; c++) {
    const k = c >= fronts.backward && net.rows.skip ? levelOf(net.rows.skip[c]) : 0;
    ctx.strokeStyle = k ? of.levels[k] : of.unlit;
    ctx.lineWidth = k ? 1.2 + 1.8 * dimShare(k) : 1;
    ctx.beginPath();
    ctx.moveTo(x(c), top + 1);
    ctx.bezierCurveTo(x(c) + pitch * 0.15, top - lift, x(c + 1) - pitch * 0.15, top - lift, x(c + 1), top + 1);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

/**
 * One neuron per column: discs on a rope whose width shows the gradient; in each disc the slope as a tilted line.
 * @param {Frame} g
 */
function drawChain(g) {
  const { ctx, net, of, x, pitch, top, bottom, middle } = g;
  const radius = Math.max(1.5, Math.min(pitch * 0.36, (bottom - top) * 0.3, 26));
  for (let c = 0; c < net.columns - 1; c++) {
    const k = hasGradient(g, c) ? g.lit(c) : 0;
    ctx.strokeStyle = k ? of.levels[k] : of.unlit;
    ctx.lineWidth = k ? Math.max(1, radius * (0.1 + 0.55 * dimShare(k) + 0.9 * hotShare(k))) : 1;
    ctx.beginPath();
    ctx.moveTo(x(c), middle);
    ctx.lineTo(x(c + 1), middle);
    ctx.stroke();
  }
  for (let c = 0; c < net.columns; c++) drawNeuron(g, c, radius);
  const { weight = 1, rows } = net;
  if (pitch < 34 || !rows.slope) return;
  write(g, 11, "center");
  ctx.fillStyle = of.text;
  let free = -Infinity; // x up to which the last number reaches
  for (let c = 1; c < net.columns; c++) {
    const by = weight * rows.slope[c]; // has at most four digits: the slope is rounded to a thousandth
    const words = `×${Number(by.toPrecision(2))}`;
    const at = (x(c - 1) + x(c)) / 2;
    const half = ctx.measureText(words).width / 2;
    if (at - half < free) continue; // no room for it
    ctx.fillText(words, at, middle + radius + 20);
    free = at + half + 4;
  }
}

/**
 * @param {Frame} g
 * @param {number} c
 * @param {number} radius
 */
function drawNeuron(g, c, radius) {
  const { ctx, net, of, middle } = g;
  const at = g.x(c);
  const on = hasGradient(g, c);
  const k = on ? g.lit(c) : 0;
  const active = net.bytes[c] >> 4;
  const fired = !on && c < g.fronts.forward;
  if (k) {
    const reach = radius * (1.3 + 0.5 * dimShare(k) + 1.4 * hotShare(k));
    glow(g, at, middle, radius, reach, of.levels[k], 0.5 * dimShare(k) + 0.4 * hotShare(k));
  }
  ctx.beginPath();
  ctx.arc(at, middle, radius, 0, 7);
  ctx.fillStyle = k && active ? of.levels[k] : fired ? of.forwards[active] : of.ground;
  ctx.fill();
  ctx.lineWidth = Math.max(1, radius * 0.09);
  ctx.strokeStyle = k ? of.levels[k] : fired ? of.forwards[15] : of.unlit;
  ctx.stroke();
  const slope = net.rows.slope?.[c];
  if (radius < 5 || slope === undefined) return;
  const tilt = Math.atan(slope);
  const [dx, dy] = [radius * 0.66 * Math.cos(tilt), radius * 0.66 * Math.sin(tilt)];
  ctx.strokeStyle = k > DIM * 0.45 && active ? of.onBright : of.text;
  ctx.lineWidth = Math.max(1, radius * 0.1);
  ctx.beginPath();
  ctx.moveTo(at - dx, middle + dy);
  ctx.lineTo(at + dx, middle - dy);
  ctx.stroke();
}

/**
 * @param {Frame} g
 * @param {number} x
 * @param {number} y
 * @param {number} radius at which it begins to fade
 * @param {number} reach radius at which it has faded
 * @param {string} colour
 * @param {number} alpha
 */
function glow({ ctx }, x, y, radius, reach, colour, alpha) {
  const light = ctx.createRadialGradient(x, y, radius, x, y, reach);
  light.addColorStop(0, colour);
  light.addColorStop(1, `${colour}00`);
  ctx.globalAlpha = alpha;
  ctx.fillStyle = light;
  ctx.fillRect(x - reach, y - reach, 2 * reach, 2 * reach);
  ctx.globalAlpha = 1;
}

/**
 * The front of the pulse, as bright as the signal that it carries.
 * @param {Frame} g
 */
function drawWave(g) {
  const { ctx, net, of, top, bottom, fronts } = g;
  if (fronts.rest) return;
  const back = fronts.backward < net.columns;
  const at = back ? fronts.backward : fronts.forward - 0.5;
  if (at < -1.5 || at > net.columns) return;
  const place = Math.min(g.right, Math.max(g.left, g.x(at)));
  const k = back ? g.lit(Math.min(net.columns - 1, Math.max(0, Math.round(at)))) : 0;
  const bright = back ? dimShare(k) : 0.8;
  const colour = back ? of.levels[k] : of.forwards[15];
  const reach = 14 + 26 * hotShare(k);
  if (bright > 0) {
    const light = ctx.createLinearGradient(place - reach, 0, place + reach, 0);
    light.addColorStop(0, `${colour}00`);
    light.addColorStop(0.5, colour);
    light.addColorStop(1, `${colour}00`);
    ctx.globalAlpha = 0.75 * bright;
    ctx.fillStyle = light;
    ctx.fillRect(place - reach, top - 6, 2 * reach, bottom - top + 12);
  }
  ctx.fillStyle = bright > 0.05 ? colour : of.text;
  ctx.globalAlpha = 0.4 + 0.6 * bright;
  ctx.fillRect(place - 0.75, top - 6, 1.5, bottom - top + 12);
  ctx.globalAlpha = 1;
}

/**
 * The loss: as bright as the last column.
 * @param {Frame} g
 */
function drawLamp(g) {
  const { ctx, of, net, fronts, middle, lampX } = g;
  const size = g.narrow ? 7 : g.low ? 9 : 12;
  const gives = g.lit(net.columns - 1);
  const colour = gives < DIM ? of.levels[gives] : of.lamp;
  if (fronts.loss && gives > DIM / 2) glow(g, lampX, middle, size * 0.6, size * 2.3, colour, 0.55 * fronts.loss);
  ctx.fillStyle = fronts.loss ? colour : of.unlit;
  ctx.beginPath();
  ctx.arc(lampX, middle, size, 0, 7);
  ctx.fill();
  ctx.fillStyle = gives < DIM * 0.6 ? of.text : of.onLamp;
  write(g, g.narrow ? 10 : g.low ? 11 : 14, "center", 700);
  ctx.fillText("L", lampX, middle + (g.narrow ? 3.5 : g.low ? 4 : 5));
}

/**
 * @param {Frame} g
 * @param {number} size
 * @param {CanvasTextAlign} align
 * @param {number} [weight]
 */
function write({ ctx }, size, align, weight = 400) {
  ctx.font = `${weight} ${size}px ${FONT}`;
  ctx.textAlign = align;
}

const INPUTS = { layers: "input", chain: "input", blocks: "input", steps: "step 1", places: "noise" };
const LAST_ONES = { layers: "layer", chain: "neuron", blocks: "block", steps: "step", places: "" };

/** @param {Frame} g */
function drawWords(g) {
  const { ctx, of, net, view } = g;
  const edge = g.narrow ? 4 : 14;
  const line = view.top + (g.low ? 12 : 16);
  ctx.fillStyle = of.text;
  write(g, g.narrow ? 11 : 12, "left");
  if (net.title) {
    ctx.fillStyle = of.strong;
    write(g, g.narrow ? 11 : 12, "left", 700);
  }
  ctx.fillText(net.title ?? INPUTS[net.kind], edge, line);
  const taken = edge + ctx.measureText(net.title ?? INPUTS[net.kind]).width + 8;
  ctx.fillStyle = of.text;
  write(g, g.narrow ? 11 : 12, "center");
  if (view.top === 0 && taken < g.lampX - 14) ctx.fillText("loss", g.lampX, line); // not over a long title
  if (view.hover >= 0 && view.hover < net.columns) drawReading(g, line, taken);
  else if (net.kind === "places") drawPlayers(g, line);
  else if (!g.narrow) {
    const notes = view.top === 0 || view.height >= LOW_STRIP ? notesOf(net) : railsNote(net);
    write(g, 11, "left");
    const wide = ctx.measureText(notes).width;
    const [left, room] = besideLoss(g, taken, wide, g.right - wide);
    if (wide <= room) ctx.fillText(notes, left, line);
  }
  if (g.fronts.backward <= 0) drawArrival(g, edge);
}

const AROUND_LOSS = 24; // pixels from the lamp to other words

/**
 * Where words stand in the uppermost line: before the word "loss" where they fit, otherwise on its roomier side.
 * @param {Frame} g
 * @param {number} taken x from which the line is free
 * @param {number} wide width of the words
 * @param {number} wanted x at which they should begin
 * @returns {[number, number]} x at which they begin, and the room there
 */
function besideLoss({ lampX, view }, taken, wide, wanted) {
  const before = lampX - AROUND_LOSS - taken;
  const after = Math.max(taken, lampX + AROUND_LOSS);
  const behind = view.width - 4 - after;
  if (wide > before && behind > before) return [after, behind];
  return [Math.max(taken, Math.min(wanted, taken + before - wide)), before];
}

/**
 * The drawn network in a line of text.
 * @param {Net} net
 */
export function notesOf(net) {
  const says = [];
  if ((net.nets ?? 1) > 1) says.push(`network 1 of ${net.nets}`);
  if (net.units < net.width) says.push(`${net.units} of ${net.width} units shown`);
  if (net.kind === "steps" && !net.title) says.push("the same weights at every step");
  if (railsNote(net)) says.push(railsNote(net));
  if (net.norm && net.norm !== "none") says.push(`dotted: ${normalizationOf(net.norm)}`);
  if (net.kind === "layers" && showsShut(net)) says.push(notesOfShut(net.closed));
  return says.join("  ·  ");
}

/** @param {Net} net */
const railsNote = (net) =>
  net.kind === "steps" && hasRails(net) ? `straight lines: carried past the weights by the ${carrierOf(net)}` : "";

/** @param {string} norm its kind, or its place and its kind */
function normalizationOf(norm) {
  const [kind, place] = norm.split("_").reverse();
  const where = place ? (place === "pre" ? " before each branch" : " after each sum") : "";
  return `${kind} normalization${where}`;
}

/**
 * The legend of hollow units, which are shut for every input; the bars also count saturated units shut for some.
 * @param {string | undefined} closed
 */
function notesOfShut(closed) {
  return closed === "saturated" ? "hollow: always saturated, bars: mean share" : `hollow: ${closed}, bars: their share`;
}

/**
 * @param {Frame} g
 * @param {number} line
 */
function drawPlayers(g, line) {
  const { ctx, net, x } = g;
  const { middle = 0 } = net;
  if (net.title && g.narrow) return;
  ctx.fillText("generator", (x(0) + x(middle - 1)) / 2 + (net.title ? 40 : 0), line);
  ctx.fillText("discriminator", (x(middle + 1) + x(net.columns - 1)) / 2, line);
  ctx.fillText("sample", x(middle), line);
}

/**
 * @param {Frame} g
 * @param {number} line
 * @param {number} taken
 */
function drawReading(g, line, taken) {
  const { ctx, of, net, view } = g;
  ctx.fillStyle = of.strong;
  write(g, g.narrow ? 11 : 12, "left", 600);
  const words = describeColumn(net, view.hover);
  const wide = ctx.measureText(words).width;
  const [left, room] = besideLoss(g, taken, wide, g.x(view.hover) - wide / 2);
  ctx.fillText(words, left, line, room);
}

/**
 * The gradient that arrives at the first column, and the columns at which less than a millionth does.
 * @param {Frame} g
 * @param {number} edge
 */
function drawArrival(g, edge) {
  const { ctx, of, net, view } = g;
  const base = view.top + view.height - (g.low ? 5 : 7);
  const arrives = arrivesAt(net);
  ctx.fillStyle = of.text;
  if (!g.low) {
    write(g, g.narrow ? 10 : 11, "left");
    ctx.fillText("arrives", edge, base - (g.narrow ? 14 : 17));
  }
  ctx.fillStyle = arrives < -FLOOR ? of.strong : of.lamp;
  write(g, g.narrow ? 11 : g.low ? 12 : 14, "left", 700);
  const number = factorOf(arrives);
  ctx.fillText(number, edge, base);
  drawRuler(g, edge + ctx.measureText(number).width + 10, base - 4);
}

/**
 * @param {Frame} g
 * @param {number} taken x at which the number ends
 * @param {number} y
 */
function drawRuler(g, taken, y) {
  const { ctx, of, net } = g;
  const dark = darkTo(net);
  if (!dark) return;
  const to = g.x(dark - 1) + Math.min(g.pitch / 2, 20);
  const from = Math.max(g.left, taken);
  const last = LAST_ONES[net.kind];
  const short = "less than a millionth";
  const whole = g.narrow || !last ? short : `${short} of the last ${last}’s gradient arrives here`;
  ctx.fillStyle = of.text;
  write(g, g.narrow ? 10 : 12, "center");
  const widthOf = (/** @type {string} */ words) => ctx.measureText(words).width;
  const fitsInside = (/** @type {string} */ words) => to - from > widthOf(words) + 40;
  const fitsBeside = (/** @type {string} */ words) => !g.narrow && to + 8 + widthOf(words) < g.lampX;
  const words = [whole, short].find((words) => fitsInside(words) || fitsBeside(words)) ?? "";
  const inside = words !== "" && fitsInside(words);
  const wide = widthOf(words);
  const middle = (from + to) / 2;
  if (to - from > 14) {
    ctx.strokeStyle = of.text;
    ctx.globalAlpha = 0.7;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.moveTo(to - 0.5, y - 6);
    ctx.lineTo(to - 0.5, y + 4);
    ctx.moveTo(from, y);
    ctx.lineTo(inside ? middle - wide / 2 - 8 : to, y);
    if (inside) {
      ctx.moveTo(middle + wide / 2 + 8, y);
      ctx.lineTo(to, y);
    }
    ctx.moveTo(from + 5, y - 3);
    ctx.lineTo(from, y);
    ctx.lineTo(from + 5, y + 3);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }
  if (inside) ctx.fillText(words, middle, y + 4);
  else {
    write(g, 12, "left");
    ctx.fillText(words, Math.max(to, from) + 8, y + 4);
  }
}
