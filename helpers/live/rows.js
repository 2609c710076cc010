// Rows: the result of compute() for one state, in the form that is sent and in the form that the traces use.

const CACHE_BYTES = 24e6;

/** @typedef {"y" | "xy" | "band" | "z"} Kind The way in which a piece of a row fills its trace. */
/** @typedef {{index: number, kind: Kind, shape: number[], x?: number[]}} Piece One trace's part of a row. */
/** @typedef {ArrayLike<number>} Numbers */
/** @typedef {{index: number, kind: "y" | "xy" | "band", x: Numbers, y: Numbers}} Line */
/** @typedef {{index: number, kind: "z", z: Float32Array[]}} HeatMap */
/** @typedef {Line | HeatMap} Trace The data of one trace. */
/** @typedef {import("./net.js").PackedNet} PackedNet */
/** @typedef {{summary?: string, ranges: Record<string, number[]>, net?: PackedNet[]}} Notes What goes with a row. */
/** @typedef {{row: Float32Array, notes: Notes}} Result */

/**
 * @param {BlobPart} view
 * @param {CompressionFormat} format
 */
export async function inflate(view, format) {
  const stream = new Blob([view]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/**
 * The numbers of a block of rows. In a packed block the four bytes of each float are in four planes, which compress
 * better.
 * @param {ArrayBufferView} view
 * @param {boolean} packed
 */
export async function unpackRows(view, packed) {
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice();
  if (!packed) return new Float32Array(bytes.buffer);
  const planes = await inflate(bytes, "deflate");
  const count = planes.length / 4;
  const out = new Uint8Array(planes.length);
  for (let i = 0; i < count; i++) for (let b = 0; b < 4; b++) out[4 * i + b] = planes[b * count + i];
  return new Float32Array(out.buffer);
}

/** The cached rows by state; the one that was added first is removed first. */
export class RowCache {
  /** @param {number} bytesPerRow */
  constructor(bytesPerRow) {
    this.limit = Math.max(64, Math.floor(CACHE_BYTES / (bytesPerRow + 512)));
    /** @type {Map<string, Result>} */
    this.rows = new Map();
  }
  /** @param {string} id */
  has(id) {
    return this.rows.has(id);
  }
  /** @param {string} id */
  get(id) {
    return this.rows.get(id);
  }
  /**
   * @param {string} id
   * @param {Result} result
   */
  put(id, result) {
    this.rows.delete(id);
    this.rows.set(id, result);
    const oldest = this.rows.keys().next();
    if (this.rows.size > this.limit && !oldest.done) this.rows.delete(oldest.value);
  }
}

/**
 * A band's vertices: for each run without a gap, up along `upper` and back along `lower`.
 * @param {Numbers} x
 * @param {Numbers} lower
 * @param {Numbers} upper
 */
export function bandPolygon(x, lower, upper) {
  /** @type {number[]} */
  const px = [];
  /** @type {number[]} */
  const py = [];
  const corner = (/** @type {number} */ toX, /** @type {number} */ toY) => {
    px.push(toX);
    py.push(toY);
  };
  let start = 0;
  const close = (/** @type {number} */ end) => {
    if (end > start) {
      if (px.length) corner(NaN, NaN);
      for (let i = start; i < end; i++) corner(x[i], upper[i]);
      for (let i = end - 1; i >= start; i--) corner(x[i], lower[i]);
    }
    start = end + 1;
  };
  for (let i = 0; i < x.length; i++) if (!Number.isFinite(lower[i]) || !Number.isFinite(upper[i])) close(i);
  close(x.length);
  return { x: px, y: py };
}

/**
 * The data of each trace in a row, in drawing order.
 * @param {Piece[]} layout
 * @param {Float32Array} row
 * @returns {Trace[]}
 */
export function readRow(layout, row) {
  let at = 0;
  return layout.map(({ index, kind, shape, x = [] }) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const values = row.subarray(at, at + size);
    const n = shape[shape.length - 1];
    at += size;
    if (kind === "y") return { index, kind, x, y: values };
    if (kind === "xy") return { index, kind, x: values.subarray(0, n), y: values.subarray(n) };
    if (kind === "band") return { index, kind, ...bandPolygon(x, values.subarray(0, n), values.subarray(n)) };
    return { index, kind, z: Array.from({ length: shape[0] }, (_, i) => values.subarray(i * n, (i + 1) * n)) };
  });
}

/**
 * @param {Numbers} a
 * @param {Numbers} b
 */
function sameNumbers(a, b) {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i]) && a[i] !== b[i]) return false;
  return true;
}

/**
 * Whether a heat map or bars look the same as those already drawn.
 * @param {Trace} trace
 * @param {Trace | undefined} drawn
 */
export function sameTrace(trace, drawn) {
  if (!drawn) return false;
  if (trace.kind === "z") return drawn.kind === "z" && trace.z.every((row, i) => sameNumbers(row, drawn.z[i]));
  return drawn.kind !== "z" && sameNumbers(trace.y, drawn.y) && sameNumbers(trace.x, drawn.x);
}
