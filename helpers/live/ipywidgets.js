// The private parts of ipywidgets, and messages that are lost with a connection.

/** @typedef {any} Model a model of ipywidgets */

// All that the course uses of ipywidgets beyond its documentation. Where one of them is gone, the kernel hears of every
// move, and a lost one is told again by the next.

const PRIVATE_PARTS = ["_handle_status", "_pending_msgs", "_msg_buffer", "_expectedEchoMsgIds"];

/**
 * The names of the private parts that this ipywidgets doesn't have.
 * @param {Model} model
 */
export const missingOf = (model) => PRIVATE_PARTS.filter((name) => !(name in model));

const TELL_MS = 100; // pause between two places of a moving control that the kernel hears of

/**
 * ipywidgets sends a control's next place as soon as the kernel has dealt with the one before. All that traffic takes
 * the processors from the picture, which needs none of it; so ipywidgets learns later that the kernel is ready again.
 * What it holds back meanwhile, the last place and the kernel's echoes stay its own business.
 * @param {Model} model
 */
export function tellSeldom(model) {
  if (missingOf(model).length || isToldSeldom(model)) return;
  const handle = model._handle_status;
  model._handle_status = (/** @type {any} */ message) =>
    setTimeout(() => {
      if (model._pending_msgs > 0) handle.call(model, message); // `tellAgain` has set it back
    }, TELL_MS);
}

const isToldSeldom = (/** @type {Model} */ model) => Object.hasOwn(model, "_handle_status");

/**
 * Send attributes once more. A message that was lost with its connection is never dealt with; ipywidgets would wait for
 * it for ever, hold back what comes after it, and drop the kernel's echoes.
 * @param {Model} model
 * @param {{[name: string]: unknown}} attributes
 */
export function tellAgain(model, attributes) {
  if (!missingOf(model).length) {
    model._pending_msgs = 0;
    model._msg_buffer = null;
    model._expectedEchoMsgIds.clear();
  }
  model.save(attributes, { patch: true });
}

// ---------------------------------------------------------------- after a connection was cut

/** @typedef {{comm_id: string, data: any}} Told what a message to a widget says */

const HANDLED_MS = 1000; // JupyterLab's kernels have a thread of their own for widgets, which may lag behind a little

/** @type {WeakSet<object>} */
const watched = new WeakSet();

/**
 * After each reconnection tell the kernel again what it hasn't heard of text fields, choices and the like. A click isn't
 * told again, since it may have arrived after all: `lostClicks` is called. Once for each kernel is enough.
 * @param {any} manager of the widgets
 * @param {() => void} lostClicks
 * @param {number} [patience] milliseconds
 */
export function watchConnection(manager, lostClicks, patience = HANDLED_MS) {
  const kernel = manager.kernel;
  if (!kernel?.anyMessage || watched.has(kernel)) return;
  watched.add(kernel);
  /** @type {Map<string, Told>} */
  const open = new Map(); // what the kernel hasn't dealt with, by the message's id
  kernel.anyMessage.connect((/** @type {any} */ _, /** @type {any} */ { msg, direction }) => {
    const { header, content, parent_header: parent } = msg;
    if (direction === "send" && header.msg_type === "comm_msg") open.set(header.msg_id, content);
    else if (header.msg_type === "status" && content.execution_state === "idle") open.delete(parent.msg_id);
  });
  kernel.connectionStatusChanged.connect(async (/** @type {any} */ _, /** @type {string} */ status) => {
    if (status !== "connected" || !open.size) return;
    const before = [...open.keys()];
    try {
      await kernel.requestKernelInfo(); // its answer comes after those to all that has arrived
    } catch {
      return; // cut once more: next time
    }
    await new Promise((done) => setTimeout(done, patience));
    const lost = before.flatMap((id) => open.get(id) ?? []);
    for (const id of before) open.delete(id);
    await tellLost(manager, lost);
    if (lost.some(({ data }) => data.method === "custom" && data.content?.event === "click")) lostClicks();
  });
}

/**
 * @param {any} manager
 * @param {Told[]} lost
 */
async function tellLost(manager, lost) {
  /** @type {Map<string, {[name: string]: unknown}>} */
  const states = new Map();
  for (const { comm_id: id, data } of lost)
    if (data.method === "update") states.set(id, { ...states.get(id), ...data.state });
  for (const [id, state] of states) {
    if (!manager.has_model(id)) continue;
    const model = await manager.get_model(id);
    if (isToldSeldom(model) || !model.comm_live) continue; // the figure that follows a slider tells it again
    tellAgain(model, { ...state, ...model._msg_buffer }); // what was held back is later
  }
}
