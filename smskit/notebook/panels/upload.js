// A button that asks for one file and hands it over; the one that ipywidgets has also says how many files it holds.
export default {
  render({ model, el }) {
    const button = Object.assign(document.createElement("button"), { type: "button" });
    button.className = "jupyter-widgets jupyter-button widget-button";
    button.style.width = "auto";
    const chooser = Object.assign(document.createElement("input"), { type: "file", hidden: true });
    el.append(button, chooser);
    button.addEventListener("click", () => chooser.click());
    chooser.addEventListener("change", async () => {
      const file = chooser.files[0];
      chooser.value = ""; // or the same file could not be chosen again
      if (!file) return;
      const about = { name: file.name, size: file.size };
      if (file.size > model.get("most")) model.send(about);
      else model.send(about, undefined, [await file.arrayBuffer()]);
    });
    const draw = () => {
      button.textContent = model.get("description");
      button.title = model.get("tooltip");
      button.disabled = model.get("disabled");
      chooser.accept = model.get("accept");
    };
    draw();
    model.on("change", draw);
    return () => model.off("change", draw);
  },
};
