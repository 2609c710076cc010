// The colours of the network picture: dark on the screen, light on paper.

import { DIM, HOT, LEVELS } from "./net.js";

/** @typedef {[number, string][]} Stops places from 0 to 1 and their colours; luminance is monotonic */
/** @typedef {"night" | "paper"} LookName */
/** @typedef {ReturnType<typeof lookOf>} Look */

const LOOKS = {
  night: {
    ground: "#10161f",
    edge: "#2b3644",
    text: "#aebccb",
    strong: "#f3f6f9",
    unlit: "#33404f",
    wire: "#222d3a",
    dim: /** @type {Stops} */ ([
      [0, "#38302f"],
      [0.03, "#4d352b"],
      [0.3, "#8a4019"],
      [0.65, "#dd7a1b"],
      [1, "#ffb52e"],
    ]),
    hot: /** @type {Stops} */ ([
      [0, "#ffb52e"],
      [0.5, "#ffe79a"],
      [1, "#ffffff"],
    ]),
    forward: /** @type {Stops} */ ([
      [0, "#22333d"],
      [1, "#58c4dd"],
    ]),
    field: 0.13,
    burn: 0.8,
    lamp: "#ffb52e",
    onLamp: "#231503",
    onBright: "#1a1206",
  },
  paper: {
    ground: "#ffffff",
    edge: "#d5dbe2",
    text: "#56636f",
    strong: "#1f2933",
    unlit: "#d0d7de",
    wire: "#e6eaef",
    dim: /** @type {Stops} */ ([
      [0, "#dfe5eb"],
      [0.04, "#d7e2f1"],
      [0.5, "#7fa9e0"],
      [1, "#1f5fbf"],
    ]),
    hot: /** @type {Stops} */ ([
      [0, "#1f5fbf"],
      [0.5, "#5a2391"],
      [1, "#23062f"],
    ]),
    forward: /** @type {Stops} */ ([
      [0, "#e3efee"],
      [1, "#00706b"],
    ]),
    field: 0.1,
    burn: 0.3,
    lamp: "#1f5fbf",
    onLamp: "#ffffff",
    onBright: "#ffffff",
  },
};

/** @param {string} colour as #rrggbb */
const channels = (colour) => [1, 3, 5].map((i) => Number.parseInt(colour.slice(i, i + 2), 16));

/** @param {string} colour as #rrggbb, to be packed for the pixels */
function packedColour(colour) {
  const [red, green, blue] = channels(colour);
  return (red | (green << 8) | (blue << 16)) >>> 0;
}

/**
 * @param {Stops} stops
 * @param {number} at
 */
export function ramp(stops, at) {
  let k = 1;
  while (k < stops.length - 1 && at > stops[k][0]) k++;
  const [[low, from], [high, to]] = [stops[k - 1], stops[k]];
  const t = Math.min(1, Math.max(0, (at - low) / (high - low)));
  const [start, end] = [channels(from), channels(to)];
  const mixed = start.map((value, i) => Math.round(value + t * (end[i] - value)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** @type {Map<LookName, any>} */
const looks = new Map();

/** @param {LookName} name */
function makeLook(name) {
  const of = LOOKS[name];
  const level = (/** @type {number} */ k) => (k <= DIM ? ramp(of.dim, k / DIM) : ramp(of.hot, (k - DIM) / HOT));
  const levels = Array.from({ length: LEVELS }, (_, k) => level(k));
  const forwards = Array.from({ length: 16 }, (_, k) => ramp(of.forward, k / 15));
  const packed = {
    level: Uint32Array.from(levels, packedColour),
    forward: Uint32Array.from(forwards, packedColour),
    ground: packedColour(of.ground),
    text: packedColour(of.text),
    unlit: packedColour(of.unlit),
    wire: packedColour(of.wire),
    edge: packedColour(of.edge),
  };
  return { ...of, levels, forwards, packed };
}

/**
 * A look with the colour of each level, in CSS and in the format of `Pixels`.
 * @param {LookName} name
 * @returns {ReturnType<typeof makeLook>}
 */
export function lookOf(name) {
  if (!looks.has(name)) looks.set(name, makeLook(name));
  return looks.get(name);
}
