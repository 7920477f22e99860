/* Filter of the pages of equations: by verdict, section and words. */
"use strict";
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.ledger-filter");
  if (!form) return;
  const rows = [...document.querySelectorAll("table.ledger tbody tr")];
  const text = rows.map((row) => row.textContent.toLowerCase());
  function show() {
    const kept = new Set([...form.querySelectorAll("[name=verdict]:checked")].map((b) => b.value));
    const words = form.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const section = form.elements.section.value;
    let shown = 0;
    rows.forEach((row, i) => {
      const here = kept.has(row.dataset.verdict) && (!section || row.dataset.section === section) &&
        words.every((word) => text[i].includes(word));
      row.hidden = !here;
      shown += here;
    });
    form.querySelector("output").textContent = `${shown} of ${rows.length}`;
  }
  form.hidden = false;
  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
});
