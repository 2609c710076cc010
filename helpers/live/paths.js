// Paths: lines, fills and gaps in the form in which Plotly writes them into its SVG.

/** @typedef {import("./rows.js").Numbers} Numbers */
/**
 * @typedef {object} Axis An axis of a figure.
 * @property {string} type
 * @property {number} length in pixels
 * @property {number} offset of its start in the figure
 * @property {(value: any, clip?: boolean) => number} c2p pixel of a value
 */
/** @typedef {number[]} Run Neighbouring points without a gap, in pixels: x0, y0, x1, y1, … */

/**
 * Pixel of a value; like Plotly, a non-positive value on a log axis lies far outside the plot.
 * @param {Axis} axis
 * @param {number} value
 */
function pixel(axis, value) {
  const inside = axis.c2p(value);
  if (Number.isFinite(inside)) return inside;
  if (axis.type !== "log" || value === null || Number.isNaN(value)) return NaN;
  return axis.c2p(value, true) * 1000;
}

/**
 * The runs of a line.
 * @param {Numbers} x
 * @param {Numbers} y
 * @param {Axis} xaxis
 * @param {Axis} yaxis
 */
export function runsOf(x, y, xaxis, yaxis) {
  /** @type {Run[]} */
  const runs = [];
  /** @type {Run | null} */
  let run = null;
  for (let i = 0; i < y.length; i++) {
    const px = pixel(xaxis, x[i]);
    const py = pixel(yaxis, y[i]);
    if (Number.isFinite(px) && Number.isFinite(py)) {
      if (!run) {
        run = [];
        runs.push(run);
      }
      run.push(px, py);
    } else run = null;
  }
  return runs.map((points) => thinned(cutFar(points, yaxis.length)));
}

const SCREENS = 20; // plotly.js cuts lines that go further outside than this

/**
 * Cut a run where it goes far above or below, as Plotly does; otherwise its dashes would be out of step after that.
 * @param {Run} run
 * @param {number} height of the plot
 */
export function cutFar(run, height) {
  const top = -SCREENS * height;
  const bottom = (1 + SCREENS) * height;
  const edge = (/** @type {number} */ y) => (y < top ? top : y > bottom ? bottom : null);
  /** @type {Run} */
  const out = [];
  for (let i = 0; i < run.length; i += 2) {
    const x = run[i];
    const y = run[i + 1];
    const far = edge(y);
    if (i > 0) {
      const x0 = run[i - 2];
      const y0 = run[i - 1];
      const before = edge(y0);
      const crossing = (/** @type {number} */ at) => out.push(x0 + ((x - x0) * (at - y0)) / (y - y0), at);
      if (before !== null && before !== far) crossing(before);
      if (far !== null && before !== far) crossing(far);
    } else if (far !== null) out.push(x, far);
    if (far === null) out.push(x, y);
  }
  return out;
}

const HAIR = 0.02; // pixels; smaller movements of a line are invisible
const STRETCH = 24; // largest number of points that one straight piece replaces

/**
 * Whether all points between two points of a run lie within HAIR of the straight line between them.
 * @param {Run} run
 * @param {number} from
 * @param {number} to
 */
function straight(run, from, to) {
  const dx = run[to] - run[from];
  const dy = run[to + 1] - run[from + 1];
  const square = dx * dx + dy * dy;
  for (let i = from + 2; i < to; i += 2) {
    const x = run[i] - run[from];
    const y = run[i + 1] - run[from + 1];
    const along = x * dx + y * dy;
    const across = x * dy - y * dx;
    if (along < 0 || along > square || across * across > HAIR * HAIR * square) return false;
  }
  return true;
}

/**
 * Remove points that lie on a straight line between others: the browser paints shorter paths faster.
 * @param {Run} run
 */
export function thinned(run) {
  const out = run.slice(0, 2);
  for (let from = 0, to = 4; to < run.length; to += 2) {
    if (to - from <= 2 * STRETCH && straight(run, from, to)) continue;
    from = to - 2;
    out.push(run[from], run[from + 1]);
  }
  if (run.length > 2) out.push(...run.slice(-2));
  return out;
}

/** @param {number} pixels */
const hundredth = (pixels) => Math.round(100 * pixels) / 100; // the browser parses short numbers faster

/** @param {Run} run */
function joined(run) {
  let text = `${hundredth(run[0])},${hundredth(run[1])}`;
  for (let i = 2; i < run.length; i += 2) text += `L${hundredth(run[i])},${hundredth(run[i + 1])}`;
  return text;
}

export const NOTHING = "M0,0";

/** @param {Run[]} runs */
export const linePath = (runs) => runs.map((run) => `M${joined(run)}`).join("") || NOTHING;

/**
 * A line of one point, of which nothing would be seen: a dot twice as wide as the line.
 * @param {Run} run
 * @param {number} width of the line
 */
export const dotPath = ([x, y], width) =>
  `M${hundredth(x - width / 2)},${hundredth(y)}a${width / 2},${width / 2} 0 1,0 ${width},0a${width / 2},${width / 2} 0 1,0 ${-width},0`;

/**
 * @param {Run[]} runs
 * @param {boolean} acrossGaps
 */
function linkedPath(runs, acrossGaps) {
  if (!runs.length) return "";
  return acrossGaps ? `M${runs.map(joined).join("L")}` : runs.map((run) => `M${joined(run)}`).join("Z");
}

/** @param {Run} run */
function backwards(run) {
  /** @type {Run} */
  const out = [];
  for (let i = run.length - 2; i >= 0; i -= 2) out.push(run[i], run[i + 1]);
  return out;
}

/**
 * As in Plotly, fills to an axis or to the next line run across gaps; others close each run on itself.
 * @param {string} fill
 */
const runsAcrossGaps = (fill) => /[xy]$/.test(fill);

/**
 * The area of a trace; for "tonext…" the one between it and the trace before.
 * @param {string} fill
 * @param {Run[]} runs
 * @param {{runs: Run[], fill: string} | null} before
 * @param {Axis} xaxis
 * @param {Axis} yaxis
 */
export function fillPath(fill, runs, before, xaxis, yaxis) {
  if (!runs.length) return NOTHING;
  if (fill === "toself") return `${linkedPath(runs, false)}Z`;
  const [firstX, firstY] = runs[0];
  const [lastX, lastY] = runs[runs.length - 1].slice(-2);
  if (fill === "tozeroy") {
    const zero = yaxis.c2p(0, true);
    return `M${lastX},${zero}L${firstX},${zero}L${linkedPath(runs, true).slice(1)}`;
  }
  if (fill === "tozerox") {
    const zero = xaxis.c2p(0, true);
    return `M${zero},${lastY}L${zero},${firstY}L${linkedPath(runs, true).slice(1)}`;
  }
  if (!before?.runs.length) return NOTHING;
  const there = linkedPath(runs, runsAcrossGaps(fill));
  const back = linkedPath(before.runs.map(backwards).reverse(), runsAcrossGaps(before.fill));
  return `${there}${fill === "tonext" ? `Z${back}` : `L${back.slice(1)}`}Z`;
}
