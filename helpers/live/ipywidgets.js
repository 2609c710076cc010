// The private parts of ipywidgets that the course uses, and messages that were lost with a connection.

/** @typedef {any} Model a model of ipywidgets */

// Everything undocumented in ipywidgets that the course uses. If a part is missing, the kernel gets every move of a
// control, and a lost one is corrected by the next.

const PRIVATE_PARTS = ["_handle_status", "_pending_msgs", "_msg_buffer", "_expectedEchoMsgIds"];

/**
 * The names of the private parts that are missing in this version of ipywidgets.
 * @param {Model} model
 */
export const missingOf = (model) => PRIVATE_PARTS.filter((name) => !(name in model));

const TELL_MS = 100; // pause between two values of a moving control that are sent to the kernel

/**
 * ipywidgets sends a control's next value as soon as the kernel has processed the previous one. This traffic takes
 * processor time from the picture, which doesn't need it; so ipywidgets is told later that the kernel is ready again.
 * Values held back meanwhile, the last value and the kernel's echoes are left to ipywidgets.
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
 * Send attributes again. A message that was lost with its connection is never processed; ipywidgets would wait for it
 * for ever, hold back all later ones, and drop the kernel's echoes.
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

/** @typedef {{comm_id: string, data: any}} Told the content of a message to a widget */

const HANDLED_MS = 1000; // JupyterLab's kernels handle widgets in a separate thread, which may lag behind a little

/** @type {WeakSet<object>} */
const watched = new WeakSet();

/**
 * After each reconnection, resend the changes of text fields, choices and the like that the kernel hasn't processed. A
 * click isn't resent, since it may have arrived after all: `lostClicks` is called. Call this once for each kernel.
 * @param {any} manager of the widgets
 * @param {() => void} lostClicks
 * @param {number} [patience] milliseconds
 */
export function watchConnection(manager, lostClicks, patience = HANDLED_MS) {
  const kernel = manager.kernel;
  if (!kernel?.anyMessage || watched.has(kernel)) return;
  watched.add(kernel);
  /** @type {Map<string, Told>} */
  const open = new Map(); // messages that the kernel hasn't processed, by id
  kernel.anyMessage.connect((/** @type {any} */ _, /** @type {any} */ { msg, direction }) => {
    const { header, content, parent_header: parent } = msg;
    if (direction === "send" && header.msg_type === "comm_msg") open.set(header.msg_id, content);
    else if (header.msg_type === "status" && content.execution_state === "idle") open.delete(parent.msg_id);
  });
  kernel.connectionStatusChanged.connect(async (/** @type {any} */ _, /** @type {string} */ status) => {
    if (status !== "connected" || !open.size) return;
    const before = [...open.keys()];
    try {
      await kernel.requestKernelInfo(); // answered after all messages that have arrived
    } catch {
      return; // cut again: retry at the next reconnection
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
    if (isToldSeldom(model) || !model.comm_live) continue; // the figure that follows a slider resends its value
    tellAgain(model, { ...state, ...model._msg_buffer }); // values that were held back are newer
  }
}
