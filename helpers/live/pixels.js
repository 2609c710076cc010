// Pixels: thousands of small marks are written directly into an image. In a browser without a graphics card that is
// about ten times as fast as the same number of canvas calls, and it takes the same time on every machine.

/** @typedef {Uint16Array} Cover of a disc: how much of each pixel it covers, 0 … 256 */

/** @type {Map<number, {size: number, cover: Cover, middle: number}>} */
const masks = new Map();

/**
 * The pixels of a disc or of a ring whose centre lies on a grid of quarter pixels.
 * @param {number} radius
 * @param {number} hollow the share of the radius that stays empty
 * @param {number} phaseX quarters of a pixel
 * @param {number} phaseY
 */
function discMask(radius, hollow, phaseX, phaseY) {
  const key = ((Math.round(radius * 8) * 32 + Math.round(hollow * 16)) * 4 + phaseX) * 4 + phaseY;
  const known = masks.get(key);
  if (known) return known;
  const middle = Math.ceil(radius + 1);
  const size = 2 * middle + 1;
  const cover = new Uint16Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const away = Math.hypot(x + 0.5 - middle - (phaseX + 0.5) / 4, y + 0.5 - middle - (phaseY + 0.5) / 4);
      const outer = Math.min(1, Math.max(0, radius + 0.5 - away));
      const inner = hollow ? Math.min(1, Math.max(0, radius * hollow + 0.5 - away)) : 0;
      cover[y * size + x] = Math.round(256 * Math.max(0, outer - inner));
    }
  }
  if (masks.size > 20_000) masks.clear();
  const mask = { size, cover, middle };
  masks.set(key, mask);
  return mask;
}

/** An image to draw into; positions are in device pixels, colours are 0xBBGGRR. */
export class Pixels {
  /**
   * @param {number} width
   * @param {number} height
   */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.px = new Uint32Array(width * height);
  }
  /** For `putImageData`. */
  image() {
    return new ImageData(new Uint8ClampedArray(this.px.buffer), this.width, this.height);
  }
  /** @param {number} colour */
  clear(colour) {
    this.px.fill((0xff000000 | colour) >>> 0);
  }
  /**
   * @param {number} i index of a pixel
   * @param {number} colour
   * @param {number} alpha 0 … 256
   */
  blend(i, colour, alpha) {
    const under = this.px[i];
    const keep = 256 - alpha;
    const redBlue = (Math.imul(under & 0xff00ff, keep) + Math.imul(colour & 0xff00ff, alpha)) >>> 8;
    const green = (Math.imul(under & 0xff00, keep) + Math.imul(colour & 0xff00, alpha)) >>> 8;
    this.px[i] = 0xff000000 | (redBlue & 0xff00ff) | (green & 0xff00);
  }
  /**
   * @param {number} x0
   * @param {number} y0
   * @param {number} x1
   * @param {number} y1
   * @param {number} colour
   * @param {number} [alpha] 0 … 256
   */
  rect(x0, y0, x1, y1, colour, alpha = 256) {
    const left = Math.max(0, Math.round(x0));
    const right = Math.min(this.width, Math.max(left + 1, Math.round(x1)));
    const top = Math.max(0, Math.round(y0));
    const bottom = Math.min(this.height, Math.max(top + 1, Math.round(y1)));
    for (let y = top; y < bottom; y++) {
      const end = y * this.width + right;
      for (let i = y * this.width + left; i < end; i++) this.blend(i, colour, alpha);
    }
  }
  /**
   * A line of any slope, smooth at its edges; `x0` is left of `x1`.
   * @param {number} x0
   * @param {number} y0
   * @param {number} x1
   * @param {number} y1
   * @param {number} colour
   * @param {number} wide
   * @param {number} alpha 0 … 1
   */
  line(x0, y0, x1, y1, colour, wide, alpha) {
    const { width, height } = this;
    const dx = x1 - x0;
    const dy = y1 - y0;
    const steep = Math.abs(dy) > Math.abs(dx);
    const down = dy > 0;
    // `along` the longer side, `across` the other one
    const from = steep ? (down ? y0 : y1) : x0;
    const to = steep ? (down ? y1 : y0) : x1;
    const base = steep ? (down ? x0 : x1) : y0;
    const slope = steep ? dx / dy : dx ? dy / dx : 0;
    const half = Math.max(0.5, (wide / 2) * Math.hypot(1, slope));
    const strength = 256 * alpha * Math.min(1, wide);
    const farthest = Math.min((steep ? height : width) - 1, Math.floor(to - 0.5));
    const widest = (steep ? width : height) - 1;
    const [next, beside] = steep ? [width, 1] : [1, width]; // distances of pixels along and across
    const reach = half + 0.5;
    for (let along = Math.max(0, Math.ceil(from - 0.5)); along <= farthest; along++) {
      const at = base + (along + 0.5 - from) * slope - 0.5;
      const last = Math.min(widest, Math.floor(at + reach));
      for (let across = Math.max(0, Math.ceil(at - reach)); across <= last; across++) {
        const cover = reach - Math.abs(across - at);
        this.blend(along * next + across * beside, colour, (Math.min(cover, 1) * strength) | 0);
      }
    }
  }
  /**
   * A disc, or a ring that is empty inside the share `hollow` of its radius.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   * @param {number} hollow
   * @param {number} colour
   */
  disc(x, y, radius, hollow, colour) {
    const wholeX = Math.floor(x);
    const wholeY = Math.floor(y);
    const { size, cover, middle } = discMask(
      radius,
      hollow,
      Math.floor(4 * (x - wholeX)),
      Math.floor(4 * (y - wholeY)),
    );
    const left = wholeX - middle;
    const top = wholeY - middle;
    const { px, width } = this;
    if (left < 0 || top < 0 || left + size > width || top + size > this.height) return;
    const solid = (0xff000000 | colour) >>> 0;
    for (let row = 0, k = 0; row < size; row++) {
      const start = (top + row) * width + left;
      for (let i = start; i < start + size; i++, k++) {
        const alpha = cover[k];
        if (alpha === 256) px[i] = solid;
        else if (alpha) this.blend(i, colour, alpha);
      }
    }
  }
}
