/* What explorers share: controls, maps with axes, lines. Classic scripts throughout, since
   modules do not load from file://. */
"use strict";
window.jqdExplorer = (function () {
  const COLOURS = ["#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"];

  /* Calls draw(values, box) once, and again at each change of a control of the explorer. */
  function start(id, draw) {
    const ready = () => {
      const box = document.getElementById(id);
      if (!box) return;
      const controls = [...box.querySelectorAll("input, select")];
      const redraw = () => {
        const values = {};
        for (const one of controls) {
          values[one.name] = one.type === "range" ? +one.value : one.value;
          const shown = one.parentElement.querySelector(".value");
          if (shown) shown.textContent = one.value;
        }
        draw(values, box);
      };
      controls.forEach((one) => one.addEventListener("input", redraw));
      redraw();
    };
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
    else ready();
  }

  function ticks(low, high) {
    const raw = (high - low) / 5, power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) found.push(k * step);
    return found.map((v) => +v.toPrecision(6));
  }

  /* A map with axes: paint(i, j) is [r, g, b] of cell i along x, j along y from below. */
  function map(canvas, { nx, ny, paint, x, y, xlabel, ylabel, marks = [] }) {
    const left = 46, bottom = 40, top = 8, right = 10, side = 400;
    canvas.width = left + side + right;
    canvas.height = top + side + bottom;
    const pen = canvas.getContext("2d"), cells = new ImageData(nx, ny);
    for (let j = 0; j < ny; j++) for (let i = 0; i < nx; i++) {
      const at = 4 * ((ny - 1 - j) * nx + i), rgb = paint(i, j);
      for (let c = 0; c < 3; c++) cells.data[at + c] = rgb[c];
      cells.data[at + 3] = 255;
    }
    const sheet = document.createElement("canvas");
    sheet.width = nx;
    sheet.height = ny;
    sheet.getContext("2d").putImageData(cells, 0, 0);
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.imageSmoothingEnabled = false;
    pen.drawImage(sheet, left, top, side, side);
    const px = (v) => left + side * (v - x[0]) / (x[1] - x[0]);
    const py = (v) => top + side * (y[1] - v) / (y[1] - y[0]);
    pen.strokeStyle = pen.fillStyle = "#222";
    pen.strokeRect(left, top, side, side);
    pen.font = "14px sans-serif";
    pen.textAlign = "center";
    for (const v of ticks(...x)) pen.fillText(String(v), px(v), top + side + 16);
    pen.fillText(xlabel, left + side / 2, top + side + 34);
    pen.textAlign = "right";
    for (const v of ticks(...y)) pen.fillText(String(v), left - 4, py(v) + 5);
    pen.save();
    pen.translate(12, top + side / 2);
    pen.rotate(-Math.PI / 2);
    pen.textAlign = "center";
    pen.fillText(ylabel, 0, 0);
    pen.restore();
    pen.lineWidth = 2;
    for (const [mx, my, shape] of marks) {
      pen.beginPath();
      if (shape === "cross") {
        pen.moveTo(px(mx) - 7, py(my)); pen.lineTo(px(mx) + 7, py(my));
        pen.moveTo(px(mx), py(my) - 7); pen.lineTo(px(mx), py(my) + 7);
      } else pen.arc(px(mx), py(my), 7, 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.lineWidth = 1;
  }

  /* Writes the `mark` of each series that has one beside its curve, thrice: whoever does
     not see colours knows the curves by it. */
  function writeMarks(plot, ink) {
    const pen = plot.ctx, size = 13 * devicePixelRatio;
    pen.save();
    pen.fillStyle = ink();
    pen.font = `${size}px sans-serif`;
    pen.textAlign = "center";
    plot.series.forEach((one, i) => {
      for (const share of one.mark ? [0.12, 0.5, 0.88] : []) {
        const at = Math.round(share * (plot.data[0].length - 1)), value = plot.data[i][at];
        if (value === null || value === undefined) continue;
        pen.fillText(one.mark, plot.valToPos(plot.data[0][at], "x", true), plot.valToPos(value, "y", true) - size / 3);
      }
    });
    pen.restore();
  }

  /* Lines by uPlot: the first call makes the plot, later ones give it new data. */
  function lines(host, data, { series, xlabel, ylabel, range }) {
    if (!host.plot) {
      const grid = { stroke: "#8884", width: 1 }; // seen in both modes
      const ink = () => getComputedStyle(document.body).getPropertyValue("--color-foreground-primary");
      const size = () => ({ width: Math.max(host.clientWidth, 200), height: 300 });
      host.plot = new uPlot({
        ...size(), series: [{ label: xlabel }, ...series], legend: { live: false },
        scales: { x: { time: false }, y: { range } }, hooks: { draw: [(plot) => writeMarks(plot, ink)] },
        axes: [xlabel, ylabel].map((label, i) => ({ stroke: ink, label, grid, ticks: grid, size: [50, 60][i] })),
      }, data, host);
      new ResizeObserver(() => host.plot.setSize(size())).observe(host);
      // Colours of the axes follow the mode of the page.
      new MutationObserver(() => host.plot.redraw()).observe(document.body, { attributeFilter: ["data-theme"] });
    } else host.plot.setData(data);
  }

  /* White to a colour, by a number from 0 to 1. */
  const shade = (rgb, v) => rgb.map((c) => 255 + (c - 255) * v);

  return { COLOURS, start, map, lines, shade };
})();
