// States: one setting of all controls, written as a key: an array with one entry per control, the index of its value
// on the control's grid, or {value} if the value lies off the grid.

/** @typedef {number | {value: any}} Place The position of a control. */
/** @typedef {Place[]} Key */
/**
 * @typedef {object} Grid The values that a control can take (see `Grid` in Python).
 * @property {string} name
 * @property {string} id class of the control's element
 * @property {"linear" | "log" | "index" | "bool"} kind
 * @property {number} count
 * @property {number} start
 * @property {number} step
 * @property {number} base
 */

/** @param {Key} key */
export const idOf = (key) => JSON.stringify(key);

/**
 * A number's position along a slider: the number itself, or its logarithm if the slider's steps are factors.
 * @param {Grid} grid
 * @param {number} number
 */
const along = (grid, number) => (grid.kind === "log" ? Math.log(number) / Math.log(grid.base) : number);

/**
 * The position of a slider on its grid.
 * @param {Grid} grid
 * @param {number} value
 * @returns {Place}
 */
export function gridIndex(grid, value) {
  const place = along(grid, value);
  const index = Math.round((place - grid.start) / grid.step);
  const near = Math.abs(place - (grid.start + index * grid.step)) <= 1e-6 * grid.step;
  return near && index >= 0 && index < grid.count ? index : { value };
}

/**
 * The index on a slider's grid that is nearest to a number.
 * @param {Grid} grid
 * @param {number} number
 */
export function nearestIndex(grid, number) {
  return Math.min(Math.max(Math.round((along(grid, number) - grid.start) / grid.step), 0), grid.count - 1);
}

/**
 * The value on a slider's grid that is nearest to a number.
 * @param {Grid} grid
 * @param {number} number
 */
export function gridValue(grid, number) {
  const value = Number((grid.start + nearestIndex(grid, number) * grid.step).toFixed(12));
  return grid.kind === "log" ? grid.base ** value : value;
}

/**
 * The states along one control's slider through `key`, nearest first.
 * @param {Key} key
 * @param {number} control its number
 * @param {number} count the number of its places
 */
export function* statesAlong(key, control, count) {
  const here = key[control];
  const start = typeof here === "number" ? here : 0;
  for (let step = 0; step < count; step++) {
    for (const index of step ? [start + step, start - step] : [start]) {
      if (index >= 0 && index < count) yield key.map((place, i) => (i === control ? index : place));
    }
  }
}
