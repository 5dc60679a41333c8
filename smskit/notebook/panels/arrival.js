// Nothing to see: where it is shown in JupyterLab, the notebook is scrolled so that the cell it stands in begins at
// the top. JupyterLab itself only brings the last cell's input into view, and a panel is its output.
export default {
  render({ el }) {
    const arrive = () => {
      const cell = el.closest(".jp-Cell");
      const page = cell?.closest(".jp-WindowedPanel-outer");
      if (page) page.scrollTop += cell.getBoundingClientRect().top - page.getBoundingClientRect().top;
    };
    // Once it stands in the page, and once more when what was drawn with it has its height.
    const later = [0, 300].map((ms) => setTimeout(arrive, ms));
    return () => later.forEach(clearTimeout);
  },
};
