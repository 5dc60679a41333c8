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

// By the link to it that stands at the head of each notebook: JupyterLab opens it beside this one, and asks
// nobody whether a command may run.
const open = (file) => {
  const links = document.querySelectorAll(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-RenderedMarkdown a[href]");
  [...links].find((link) => link.href.split(/[?#]/)[0].endsWith(`/${file}`))?.click();
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
