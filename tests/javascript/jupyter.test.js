import assert from "node:assert/strict";
import test from "node:test";
import { jupyterSource, missingOf, tellAgain, tellSeldom } from "../../helpers/live/jupyter.js";

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
  tellAgain(model, "value");
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
  tellAgain(model, "value");
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
