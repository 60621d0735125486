// Keys and buttons of the labelling view.

const ACTIONS = {
  Escape: "escape", p: "polygon", k: "cut", b: "brush", e: "eraser", f: "rest", F: "all", z: "undo", y: "redo", Z: "redo", h: "hide", u: "undecidable", s: "skip",
  x: "side", ".": "names", "#": "texture", Delete: "remove", Backspace: "back", "[": "smaller", "]": "larger", PageDown: "following", PageUp: "preceding",
  Home: "fit",
};

function actionOf(event) {
  return ACTIONS[event.key] ?? (event.shiftKey ? undefined : ACTIONS[event.key.toLowerCase()]);
}

/** Acts on a labelling view: {editor, region, classes, accept(), send(), skip(), previous(), toggle(), say(), showKeys()}. */
export class AnnotateControls {
  constructor(view) {
    this.view = view;
  }

  /** A tool or action by name, from a button or a key. */
  act(name) {
    const { view } = this;
    const { editor, region } = view;
    const actions = {
      accept: () => view.accept(), undecidable: () => view.send(true), skip: () => view.skip(),
      rest: () => this.fillRest(false), all: () => this.fillRest(true),
      undo: () => editor.undo() || view.say("There is nothing to undo."), redo: () => editor.redo() || view.say("There is nothing to redo."),
      hide: () => view.toggle("hidden"), names: () => view.toggle("showNames"), texture: () => view.toggle("textured"),
      escape: () => this.escape(), remove: () => editor.remove(), back: () => editor.line.length && editor.undo(), side: () => editor.swapSide(),
      smaller: () => editor.resize(-1), larger: () => editor.resize(1),
      following: () => editor.selectNext(1), preceding: () => editor.selectNext(-1), fit: () => region.stage.fit(),
    };
    return editor && (actions[name] ?? (() => editor.setTool(name)))();
  }

  escape() {
    const { editor } = this.view;
    if (!editor.line.length && editor.tool !== "segment") editor.setTool("segment");
    editor.clear();
    editor.notify();
  }

  fillRest(all) {
    const { editor } = this.view;
    const done = all ? "You have labelled everything already." : "Everything has a class. Shift+F also fills what only the network has labelled.";
    if (editor.value === null) this.view.sayUntilDrawn("Choose a class first: press its key.");
    else if (!editor.fillRest(all)) this.view.say(done);
  }

  /** A key without Ctrl, Alt or Meta. Buttons that have the focus keep Enter and Space. */
  key(event) {
    const onButton = event.target.closest?.("button, a, [role=radio]");
    const pressed = { " ": () => this.hold(event), Enter: () => this.enter(event) }[event.key];
    if (pressed && onButton) return;
    if (pressed) pressed();
    else if (!this.arrow(event) && !this.named(event) && !this.classKey(event)) {
      if (["+", "=", "-", "_"].includes(event.key)) this.view.region.stage.key(event);
      return;
    }
    event.preventDefault();
  }

  hold(event) {
    if (!event.repeat) Object.assign(this.view.region, { space: true, moved: false });
  }

  enter(event) {
    if (event.shiftKey) this.view.previous();
    else if (!event.repeat) this.act("accept");
  }

  arrow(event) {
    return Boolean(this.view.editor && this.view.region.arrow(event));
  }

  named(event) {
    const name = actionOf(event);
    if (name) this.act(name);
    return Boolean(name);
  }

  classKey(event) {
    const entry = event.shiftKey ? null : this.view.classes.find(({ key }) => key === event.key.toLowerCase());
    if (!entry || !this.view.editor) return false;
    this.view.chooseClass(entry.value);
    return true;
  }

  /** Ctrl+Z and its kin. */
  chord(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !["z", "y"].includes(key) || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    this.act(key === "y" || event.shiftKey ? "redo" : "undo");
  }

  /** Space goes up: it was a click at the crosshair, unless the picture was moved. */
  released(event) {
    const { region, editor } = this.view;
    if (event.key !== " " || !region.space) return;
    region.space = false;
    if (!region.moved && editor) region.clickCrosshair(event.shiftKey);
  }
}
