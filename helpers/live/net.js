// The network picture's data: a state as Python packs it (see `helpers.picture`), and its description in words.

export const FLOOR = 6; // decades below the last column at which the light is out: a millionth
export const CEILING = 6; // decades above it at which the light is brightest: a million
export const DIM = 32; // levels of brightness up to the last column's
export const HOT = 14; // levels from there to the ceiling
export const LEVELS = DIM + HOT + 1;
const LEVEL_STEP = 0.01;
const DEVIATION_STEP = 0.2;
const DEVIATION_ZERO = 11;
const SLOPE_STEP = 0.001;
const LOWEST = -32_000;

/** @typedef {"layers" | "chain" | "blocks" | "steps" | "places"} NetKind */
/**
 * @typedef {object} NetFacts The facts about a network besides its numbers.
 * @property {NetKind} kind
 * @property {number} columns
 * @property {number} units shown of each column
 * @property {number} last place of the last column on the axis
 * @property {number} width units of a column, shown or not
 * @property {number} [stride] distance of two columns on the axis
 * @property {string} [title]
 * @property {number} [arrives] log10 of the gradient at the first column, if it isn't the first column's level
 * @property {number} [nets] number of networks in the mean that the line shows
 * @property {string} [norm]
 * @property {number} [skip]
 * @property {string} [activation]
 * @property {string} [closed] name of units that pass on nothing: dead, saturated or flat
 * @property {string} [input] 64 digits from 0 to 9: the pixels of a handwritten digit
 * @property {string} [cell] of a recurrent network
 * @property {number} [weight] of a chain
 * @property {number[]} [counts] units of each column, if they differ
 * @property {number} [middle] the column of the generated sample
 */
/** @typedef {NetFacts & {linked: boolean, rows: ("skip" | "branch" | "slope")[], data: string}} PackedNet */
/**
 * @typedef {object} NetNumbers
 * @property {Float32Array} level log10 of each column's RMS unit over the last column's
 * @property {Uint8Array} shut 255 times the share of each column that passes on nothing
 * @property {Uint8Array} bytes of each unit: gradient against its column in the low four bits, activation in the high
 * @property {Uint8Array} lit level of brightness of each unit
 * @property {Uint8Array | null} links for each unit, the unit of the next column from which most of its gradient comes
 * @property {Partial<Record<"skip" | "branch" | "slope", Float32Array>>} rows
 */
/** @typedef {NetFacts & NetNumbers} Net */

/**
 * The level 0 … LEVELS - 1 of a gradient, given in decades above (or below) the last column's.
 * @param {number} decades
 */
export function levelOf(decades) {
  if (!(decades > -FLOOR)) return 0;
  if (decades <= 0) return Math.max(1, Math.round(DIM * (1 + decades / FLOOR)));
  return DIM + Math.min(HOT, Math.round((HOT * decades) / CEILING));
}

/**
 * The numbers of a packed state.
 * @param {PackedNet} packed
 * @returns {Net}
 */
export function decodeNet(packed) {
  const { data, linked, rows: names, ...facts } = packed;
  const { columns, units } = facts;
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const numbers = new DataView(bytes.buffer);
  let at = 0;
  const take = (/** @type {number} */ count) => {
    at += count;
    return bytes.subarray(at - count, at);
  };
  const decades = (/** @type {number} */ step) => {
    const found = new Float32Array(columns);
    for (let c = 0; c < columns; c++, at += 2) {
      const whole = numbers.getInt16(at, true);
      found[c] = whole <= LOWEST ? -Infinity : whole * step;
    }
    return found;
  };
  const level = decades(LEVEL_STEP);
  const shut = take(columns);
  const both = take(columns * units);
  const links = linked ? nibbles(take(((columns - 1) * units + 1) >> 1), (columns - 1) * units) : null;
  /** @type {Net["rows"]} */
  const rows = {};
  for (const name of names) rows[name] = decades(name === "slope" ? SLOPE_STEP : LEVEL_STEP);
  return { ...facts, level, shut, bytes: both, links, rows, lit: brightness(level, both, units) };
}

/**
 * @param {Uint8Array} pairs two numbers below 16 to a byte
 * @param {number} count
 */
function nibbles(pairs, count) {
  const found = new Uint8Array(count);
  for (let k = 0; k < count; k++) found[k] = k & 1 ? pairs[k >> 1] >> 4 : pairs[k >> 1] & 15;
  return found;
}

/**
 * @param {Float32Array} level
 * @param {Uint8Array} bytes
 * @param {number} units
 */
function brightness(level, bytes, units) {
  const lit = new Uint8Array(bytes.length);
  for (let k = 0; k < bytes.length; k++) {
    const low = bytes[k] & 15;
    if (low) lit[k] = levelOf(level[Math.floor(k / units)] + (low - DEVIATION_ZERO) * DEVIATION_STEP);
  }
  return lit;
}

/**
 * The last of the dark columns at the input, counted from 1: less than a millionth of the last column's gradient
 * arrives there. 0 if there is none.
 * @param {Net} net
 */
export function darkTo(net) {
  let c = 0;
  while (c < net.columns && !(net.level[c] >= -FLOOR)) c++;
  return c;
}

/**
 * The gradient at the first column, in decades.
 * @param {Net} net
 */
export const arrivesAt = (net) => (net.arrives === undefined ? net.level[0] : (net.arrives ?? -Infinity));

/**
 * A word for what happens to the gradient; a pulse shows when it changes.
 * @param {Net} net
 */
export function verdictOf(net) {
  const arrives = arrivesAt(net);
  if (arrives === -Infinity) return "nothing";
  if (arrives < -FLOOR) return "dark";
  if (arrives < -1.5) return "faint";
  return arrives > 1.5 ? "strong" : "even";
}

const WORDS = { layers: "layer", chain: "neuron", blocks: "block", steps: "step", places: "place" };
/**
 * The name of a column of this network.
 * @param {Net} net
 */
export const wordOf = (net) => WORDS[net.kind];

/**
 * Whether each unit's own value is carried on without passing the weights: by a skip, a cell, or a share of the state.
 * @param {Net} net
 */
export const hasRails = (net) =>
  net.kind === "blocks" ? net.skip !== 0 : net.kind === "steps" ? net.cell !== "rnn" : Boolean(net.skip);

/**
 * The name of the part that carries a recurrent network's values past its weights.
 * @param {{cell?: string}} net
 */
export const carrierOf = ({ cell }) => (cell === "lstm" ? "cell" : "state");

/**
 * A phrase for the ways by which a column gets its gradient from the next one; empty if there is only one.
 * @param {Net} net
 * @param {number} column from 0
 */
function waysTo({ kind, rows, columns, cell }, column) {
  if (!rows.skip || column >= columns - 1) return "";
  const skip = factorOf(rows.skip[column]);
  if (kind === "steps") return `, by the ${carrierOf({ cell })} ${skip}`;
  return rows.branch ? ` (skip ${skip}, branch ${factorOf(rows.branch[column])})` : "";
}

/**
 * A description of the picture for screen readers.
 * @param {Net} net
 */
export function describeNet(net) {
  const word = wordOf(net);
  const plural = net.last === 1 ? word : `${word}s`;
  const what =
    net.kind === "chain"
      ? `A chain of ${net.last} ${net.last === 1 ? "neuron" : "neurons"}`
      : net.kind === "places"
        ? "A generator followed by a discriminator"
        : `A network of ${net.last} ${plural} with ${net.width} units each`;
  const share = meanOf(net.shut) / 255;
  const closed = net.closed ?? "closed";
  return [
    `${net.title ? `${net.title}: ` : ""}${what}.`,
    fateOf(net, word),
    railsOf(net),
    share > 0.005 && net.kind !== "chain" ? `${Math.round(100 * share)} % of the units are ${closed}.` : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/**
 * @param {Net} net
 * @param {string} word
 */
function fateOf(net, word) {
  const arrives = arrivesAt(net);
  const dark = darkTo(net);
  const first = net.kind === "blocks" ? "the stem" : net.kind === "places" ? "the noise" : `the first ${word}`;
  const of = net.kind === "places" ? "a logit's gradient of 1" : `what the last ${word} receives`;
  const amount = `${spokenFactor(arrives)} times ${of}.`;
  if (arrives === -Infinity) return `No gradient arrives at ${first}.`;
  if (arrives < -FLOOR) {
    const until = dark ? `, and the picture is dark from ${word} ${placeOfColumn(net, dark - 1)} on` : "";
    return `The gradient vanishes on its way from the loss to the input${until}: ${first} receives ${amount}`;
  }
  if (arrives < -1.5) return `The gradient fades on its way to the input: ${first} receives ${amount}`;
  if (arrives > 1.5) return `The gradient grows on its way to the input: ${first} receives ${amount}`;
  return `The gradient reaches the input about as strong as it began: ${first} receives ${amount}`;
}

/**
 * A description of the picture's rails at the first column.
 * @param {Net} net
 */
function railsOf({ rows, columns, kind, cell }) {
  if (!rows.skip || columns < 2) return "";
  const skip = spokenFactor(rows.skip[0]);
  if (kind === "steps") return `Its ${carrierOf({ cell })} carries ${skip} past the weights.`;
  return rows.branch ? `The first skip carries ${skip}, its branch ${spokenFactor(rows.branch[0])}.` : "";
}

/** @param {ArrayLike<number>} values */
function meanOf(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length ? sum / values.length : 0;
}

/**
 * The place of a column on the axis: the number of its layer, block or step.
 * @param {Net} net
 * @param {number} column from 0
 */
export const placeOfColumn = (net, column) => net.last - (net.columns - 1 - column) * (net.stride ?? 1);

/** @param {number} decades */
function spokenFactor(decades) {
  if (decades === -Infinity) return "nothing";
  return decades > -2 && decades < 3
    ? String(Number((10 ** decades).toPrecision(2)))
    : `10 to the ${decades.toFixed(1)}`;
}

/**
 * A column in words, for the reading cursor.
 * @param {Net} net
 * @param {number} column from 0
 */
export function describeColumn(net, column) {
  const name = `${wordOf(net)} ${placeOfColumn(net, column)}`;
  const level = net.level[column];
  const shut = net.shut[column] / 255;
  const closed = shut > 0.005 && net.kind !== "chain" ? `, ${Math.round(100 * shut)} % closed` : "";
  if (level === -Infinity) return `${name}: no gradient${closed}`;
  const whole = net.kind === "places" ? "largest" : "last one's";
  return `${name}: ${factorOf(level)} of the ${whole}${waysTo(net, column)}${closed}`;
}

/**
 * A column in words, for all networks with as many columns as the first, each with its title if there are several.
 * @param {Net[]} nets
 * @param {number} column from 0
 */
export function describeColumns(nets, column) {
  const alike = nets.filter((net) => net.columns === nets[0].columns);
  const named = (/** @type {Net} */ net) => (alike.length > 1 && net.title ? `${net.title}, ` : "");
  return alike.map((net) => named(net) + describeColumn(net, column)).join("; ");
}

/** @param {number} exponent a whole number, as a superscript */
const superscript = (exponent) =>
  String(exponent).replace(/[-0-9]/g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]);

/**
 * A factor of 10^`decades` as text, with two digits.
 * @param {number} decades
 */
export function factorOf(decades) {
  if (decades === -Infinity) return "0";
  if (decades > -2 && decades < 3) return String(Number((10 ** decades).toPrecision(2)));
  let exponent = Math.floor(decades);
  let digits = (10 ** (decades - exponent)).toFixed(1);
  if (digits === "10.0") [exponent, digits] = [exponent + 1, "1.0"];
  return `${digits}\u2009×\u200910${superscript(exponent)}`;
}
