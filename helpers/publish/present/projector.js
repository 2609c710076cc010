// Show the panel as large as the screen allows: its frame gets the size that the panel needs and is then scaled.

(() => {
  const frame = /** @type {HTMLIFrameElement} */ (document.querySelector("iframe"));
  const LARGEST = 3,
    SMALLEST = 0.5,
    NARROWEST = 1000,
    EDGE = 24; // scales, and pixels of the frame
  const TRIES = 6,
    SETTLES = 3000, // milliseconds in which styles and pictures arrive
    PATIENCE = 60_000; // milliseconds that a slow machine may take to draw the panel for another width
  /** @type {(milliseconds: number) => Promise<void>} */
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  /** @type {(panel: Element) => HTMLElement | null} */
  const figureOf = (panel) => panel.querySelector(".live-figure");

  /** @type {(scale: number) => void} */
  function show(scale) {
    frame.style.transform = `scale(${scale})`;
    frame.style.width = `${innerWidth / scale}px`;
    frame.style.height = `${innerHeight / scale}px`;
  }

  // Plotly redoes its layout some time after its container was resized; until then measured sizes are meaningless.
  /** @type {(panel: Element) => Promise<void>} */
  async function settled(panel) {
    const drawn = () => {
      const figure = figureOf(panel),
        plot = figure?.querySelector(".main-svg");
      if (!figure || !plot || figure.dataset.phase !== "rest") return false;
      return Math.abs(plot.getBoundingClientRect().width - figure.clientWidth) < 2;
    };
    for (let waited = 0; waited < PATIENCE; waited += 50) {
      await pause(50);
      if (drawn()) return;
    }
  }

  // The height that a panel needs depends on its width, since text wraps; a few steps find the scale at which it fits.
  /** @type {(panel: Element) => Promise<void>} */
  async function fit(panel) {
    const largest = Math.min(LARGEST, innerWidth / NARROWEST);
    let scale = largest;
    for (let tries = 0; tries < TRIES; tries++) {
      show(scale);
      await settled(panel);
      const wanted = Math.min(largest, Math.max(SMALLEST, innerHeight / (panel.scrollHeight + EDGE)));
      if (wanted >= scale || scale === SMALLEST) return;
      scale = wanted;
    }
  }

  // One fit at a time; if the window is resized meanwhile, another one follows.
  let wanted = false,
    fitting = false;
  /** @type {(panel: Element) => Promise<void>} */
  async function refit(panel) {
    wanted = true;
    if (fitting) return;
    fitting = true;
    while (wanted) {
      wanted = false;
      await fit(panel);
    }
    fitting = false;
  }

  async function start() {
    show(1);
    let panel = null;
    while (!panel || figureOf(panel)?.dataset.phase !== "rest") {
      await pause(200);
      panel = frame.contentDocument?.querySelector(".live-panel");
    }
    addEventListener("resize", () => refit(panel));
    await refit(panel);
    await pause(SETTLES); // a late style sheet may have changed the sizes
    await refit(panel);
    document.querySelector("p")?.remove();
    frame.style.visibility = "visible";
  }
  start();
})();
