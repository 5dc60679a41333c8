// A text of several lines that tells what is typed while it is typed, and where the caret stands.
const PAUSE_MS = 250;
let made = 0;

export default {
  render({ model, el }) {
    const label = document.createElement("label");
    const box = document.createElement("textarea");
    box.id = `smskit-editor-${++made}`;
    label.htmlFor = box.id;
    box.rows = 3;
    el.classList.add("smskit-editor");
    el.replaceChildren(label, box);

    let typing = 0;
    const tell = () => {
      clearTimeout(typing);
      typing = 0;
      model.set("value", box.value);
      model.set("caret", box.selectionEnd);
      model.save_changes();
    };
    box.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(tell, PAUSE_MS);
    });
    box.addEventListener("blur", tell);

    const show = () => {
      label.textContent = model.get("description");
      box.placeholder = model.get("placeholder");
      // What somebody is typing is newer than what the kernel knows.
      if (!typing && box.value !== model.get("value")) {
        box.value = model.get("value");
        box.setSelectionRange(model.get("caret"), model.get("caret"));
      }
    };
    show();
    model.on("change", show);
    return () => {
      if (typing) tell();
      model.off("change", show);
    };
  },
};
