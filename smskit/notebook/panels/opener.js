// Opens another notebook of this one's folder in the same JupyterLab; elsewhere nothing happens.
const open = (file) => {
  const here = decodeURIComponent(location.pathname).split("/tree/")[1];
  if (here === undefined) return;
  const link = document.createElement("a");
  link.dataset.commandlinkerCommand = "docmanager:open";
  link.dataset.commandlinkerArgs = JSON.stringify({ path: here.replace(/[^/]*$/, "") + file });
  document.body.append(link);
  link.click();
  link.remove();
};

export default {
  // Once for each model, however often it is shown.
  initialize({ model }) {
    const told = (content) => content.open && open(content.open);
    model.on("msg:custom", told);
    return () => model.off("msg:custom", told);
  },
  render() {},
};
