"use strict";
// A cursor through the plots of a run, with the figures of its second from the table below them.
document.documentElement.classList.add("live");
for (const timeline of document.querySelectorAll(".timeline")) {
  const from = Number(timeline.dataset.from), to = Number(timeline.dataset.to);
  const names = [...timeline.querySelectorAll(".figures thead th")].map((cell) => cell.textContent);
  const rows = [...timeline.querySelectorAll(".figures tbody tr")];
  const readout = timeline.querySelector(".readout"), hint = readout.textContent;
  const plots = [...timeline.querySelectorAll("[data-time]")];
  for (const plot of plots) {
    const cursor = document.createElement("div");
    cursor.className = "cursor";
    plot.append(cursor);
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect(), share = (event.clientX - box.left) / box.width;
      const at = from + share * (to - from);
      const row = rows.find((row) => Number(row.dataset.from) <= at && at < Number(row.dataset.to));
      timeline.classList.add("pointed");
      timeline.style.setProperty("--at", `${share * 100}%`);
      const figures = row && [...row.cells].map((cell, index) => {
        const figure = document.createElement("span"), name = document.createElement("b");
        name.textContent = index ? names[index] : "at";
        figure.append(name, ` ${cell.textContent}`);
        return figure;
      });
      readout.replaceChildren(...(figures || [hint]));
    });
    plot.addEventListener("pointerleave", () => {
      timeline.classList.remove("pointed");
      readout.textContent = hint;
    });
  }
}
