/* What is wider than its page: a formula is set smaller, down to two thirds; what is still
   too wide scrolls, by keyboard too. */
"use strict";
addEventListener("DOMContentLoaded", () => {
  const smallest = 0.67;
  const formulas = document.querySelectorAll("article div.math, table.ledger figure > div");
  const boxes = document.querySelectorAll("article pre, article table.docutils, article p:has(> img:only-child)");
  function mark(box) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  }
  function fit() {
    for (const box of formulas) box.style.fontSize = "";
    const ratios = [...formulas].map((box) => box.clientWidth / box.scrollWidth);
    formulas.forEach((box, i) => {
      if (ratios[i] < 1) box.style.fontSize = `${Math.max(smallest, 0.98 * ratios[i])}em`;
    });
    formulas.forEach(mark);
    boxes.forEach(mark);
  }
  fit();
  addEventListener("resize", fit);
  document.fonts.ready.then(fit);
});
