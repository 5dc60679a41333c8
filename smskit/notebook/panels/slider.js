// The browser's own slider over a few choices, with its name and what is chosen: keyboards and screen readers know it.
export default {
  render({ model, el }) {
    const name = document.createElement("label");
    const range = Object.assign(document.createElement("input"), { type: "range", min: 0, step: 1 });
    const told = document.createElement("output");
    const box = Object.assign(document.createElement("div"), { className: "smskit-slider" });
    name.append(document.createElement("span"), range);
    box.append(name, told);
    el.append(box);
    const draw = () => {
      const words = model.get("words");
      name.firstChild.textContent = model.get("label");
      range.max = words.length - 1;
      range.value = model.get("at");
      range.disabled = model.get("disabled");
      told.textContent = words[model.get("at")] ?? "";
      range.setAttribute("aria-valuetext", told.textContent);
    };
    range.addEventListener("input", () => {
      model.set("at", Number(range.value));
      model.save_changes();
      draw();
    });
    model.on("change", draw);
    draw();
    return () => model.off("change", draw);
  },
};
