import assert from "node:assert/strict";
import test from "node:test";
import { missingOf, tellAgain, tellSeldom, watchConnection } from "../../helpers/live/ipywidgets.js";
import { jupyterSource } from "../../helpers/live/jupyter.js";

// A widget model as ipywidgets has them, as far as it counts messages.
function widgetModel() {
  return Object.create({
    _pending_msgs: 0,
    _msg_buffer: null,
    _expectedEchoMsgIds: new Map(),
    _handle_status() {
      this._pending_msgs--;
    },
    get: () => 7,
    save(attributes) {
      this.saved = attributes;
      this._pending_msgs++;
    },
  });
}

test("an answer to a message that was given up for lost is not counted", async () => {
  const model = Object.assign(widgetModel(), { _pending_msgs: 1, _msg_buffer: { value: 3 } });
  tellSeldom(model);
  model._handle_status({});
  tellAgain(model, { value: 7 });
  assert.deepEqual([model.saved, model._msg_buffer, model._pending_msgs], [{ value: 7 }, null, 1]);
  model._handle_status({});
  model._handle_status({});
  await new Promise((done) => setTimeout(done, 150));
  assert.equal(model._pending_msgs, 0);
});

test("private parts that a later ipywidgets has no more are named, and done without", () => {
  const model = { _handle_status: () => {}, _pending_msgs: 0, get: () => 7, save: () => {} };
  assert.deepEqual(missingOf(model), ["_msg_buffer", "_expectedEchoMsgIds"]);
  const before = model._handle_status;
  tellSeldom(model);
  tellAgain(model, { value: 7 });
  assert.equal(model._handle_status, before);
});

test("a control is slowed down once, however many figures follow it", () => {
  const model = widgetModel();
  tellSeldom(model);
  const slow = model._handle_status;
  tellSeldom(model);
  assert.equal(model._handle_status, slow);
});

function channelOf(model) {
  const heard = [];
  const handlers = {};
  const channel = {
    comm_live: true,
    send: (message) => heard.push(message),
    on: (name, react) => {
      handlers[name] = react;
    },
    off: () => {},
    ...model,
  };
  return { channel, handlers, heard };
}
const figure = { get: () => ["a control"], on: () => {}, off: () => {} };

test("messages for another view are left alone", () => {
  const { channel, handlers, heard } = channelOf({});
  const source = jupyterSource(figure, channel);
  const got = [];
  source.listen((message) => got.push(message));
  source.ask([1], "[1]");
  handlers["msg:custom"]({ view: heard[0].view, type: "rows" });
  handlers["msg:custom"]({ view: "another", type: "rows" });
  handlers["msg:custom"]({ type: "rows" });
  assert.equal(got.length, 2);
});

test("a kernel that is gone is reported, whichever way it shows", () => {
  const got = [];
  const { channel, handlers } = channelOf({});
  jupyterSource(figure, channel).listen((message) => got.push(message.type));
  assert.deepEqual(got, []);
  channel.comm_live = false;
  handlers.comm_live_update();
  assert.deepEqual(got, ["gone"]);

  const refuses = () => {
    throw new Error("Cannot send");
  };
  const source = jupyterSource(figure, channelOf({ send: refuses }).channel);
  source.listen((message) => got.push(message.type));
  source.fill([[1]], "[1]");
  assert.deepEqual(got, ["gone", "gone"]);
});

// A kernel's connection as JupyterLab has them: what is sent and received passes `anyMessage`.
function connection() {
  const signal = () => {
    const slots = [];
    return {
      connect: (slot) => slots.push(slot),
      emit: (value) => Promise.all(slots.map((slot) => slot(null, value))),
    };
  };
  const kernel = { anyMessage: signal(), connectionStatusChanged: signal(), requestKernelInfo: async () => {} };
  const send = (id, comm, data) => {
    const msg = { header: { msg_id: id, msg_type: "comm_msg" }, parent_header: {}, content: { comm_id: comm, data } };
    kernel.anyMessage.emit({ msg, direction: "send" });
  };
  const handle = (id) => {
    const content = { execution_state: "idle" };
    const msg = { header: { msg_type: "status" }, parent_header: { msg_id: id }, content };
    kernel.anyMessage.emit({ msg, direction: "recv" });
  };
  const ready = () => Object.assign(widgetModel(), { comm_live: true });
  const models = new Map([
    ["text", ready()],
    ["slider", ready()],
  ]);
  const manager = { kernel, has_model: (id) => models.has(id), get_model: async (id) => models.get(id) };
  return { kernel, send, handle, models, manager };
}

test("after a reconnection the kernel is told again what it hasn't heard, and of the last place only", async () => {
  const { kernel, send, handle, manager, models } = connection();
  let clicks = 0;
  watchConnection(manager, () => clicks++, 50);
  watchConnection(manager, () => assert.fail("one watch is enough"));
  send("a", "text", { method: "update", state: { value: 1 } });
  handle("a");
  send("b", "text", { method: "update", state: { value: 2, seen: true } });
  send("c", "text", { method: "update", state: { value: 3 } });
  send("d", "button", { method: "custom", content: { event: "click" } });
  send("e", "panel", { method: "custom", content: { type: "ask" } });
  send("f", "no longer there", { method: "update", state: { value: 1 } });
  await kernel.connectionStatusChanged.emit("connecting");
  const connected = kernel.connectionStatusChanged.emit("connected");
  setTimeout(() => Object.assign(models.get("text"), { _msg_buffer: { value: 4 } }), 10); // held back, as ipywidgets does
  await connected;
  assert.deepEqual([models.get("text").saved, clicks], [{ value: 4, seen: true }, 1]);
  models.get("text").saved = undefined;
  await kernel.connectionStatusChanged.emit("connected");
  assert.deepEqual([models.get("text").saved, clicks], [undefined, 1]);
});

test("what is dealt with soon after a reconnection isn't told again, nor a slider that a figure follows", async () => {
  const { kernel, send, handle, manager, models } = connection();
  watchConnection(manager, () => assert.fail("no click was lost"), 50);
  tellSeldom(models.get("slider"));
  send("a", "text", { method: "update", state: { value: 1 } });
  send("b", "slider", { method: "update", state: { value: 1 } });
  const connected = kernel.connectionStatusChanged.emit("connected");
  setTimeout(() => handle("a"), 10);
  await connected;
  assert.deepEqual(
    [...models.values()].map(({ saved }) => saved),
    [undefined, undefined],
  );
});

test("where the connection is cut once more, the next one mends what was lost", async () => {
  const { kernel, send, manager, models } = connection();
  watchConnection(manager, () => assert.fail("no click was lost"), 50);
  send("a", "text", { method: "update", state: { value: 1 } });
  kernel.requestKernelInfo = async () => {
    throw new Error("cut");
  };
  await kernel.connectionStatusChanged.emit("connected");
  assert.equal(models.get("text").saved, undefined);
  kernel.requestKernelInfo = async () => {};
  await kernel.connectionStatusChanged.emit("connected");
  assert.deepEqual(models.get("text").saved, { value: 1 });
});
