// HTML made in the kernel. What has `data-press` says so when it is pressed; files the kernel makes are saved,
// and other notebooks of the same folder opened in the same JupyterLab.
const save = (content, buffers) => {
  const url = URL.createObjectURL(new Blob(buffers, { type: content.type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: content.save });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
};

const open = (file) => {
  const here = decodeURIComponent(location.pathname).split("/tree/")[1];
  if (here === undefined) return; // no JupyterLab
  const link = document.createElement("a");
  link.dataset.commandlinkerCommand = "docmanager:open";
  link.dataset.commandlinkerArgs = JSON.stringify({ path: here.replace(/[^/]*$/, "") + file });
  document.body.append(link);
  link.click();
  link.remove();
};

export default {
  // Once for each model, however often it is shown: a file is saved once.
  initialize({ model }) {
    const told = (content, buffers) => {
      if (content.save) save(content, buffers);
      if (content.copy) navigator.clipboard?.writeText(content.copy).catch(() => undefined);
      if (content.notebook) open(content.notebook);
    };
    model.on("msg:custom", told);
    return () => model.off("msg:custom", told);
  },
  render({ model, el }) {
    const draw = () => {
      const held = el.contains(document.activeElement) ? document.activeElement.dataset.press : undefined;
      el.innerHTML = model.get("value");
      if (held) el.querySelector(`[data-press="${CSS.escape(held)}"]`)?.focus();
    };
    el.addEventListener("click", (event) => {
      const at = event.target.closest("[data-press]");
      if (at && el.contains(at)) model.send({ press: at.dataset.press });
    });
    draw();
    model.on("change:value", draw);
    return () => model.off("change:value", draw);
  },
};
