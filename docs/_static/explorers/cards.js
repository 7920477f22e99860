/* Report cards of laws, from what `jqd vet all` stored: pick one, or two to compare. */
"use strict";
window.jqdCards = (function () {
  /* By how many decades a figure is above its floor; null where one of them is missing. */
  const margin = (row) => (row.figure && row.floor ? Math.log10(Math.abs(row.figure) / row.floor) : null);

  /* What a row says in words. */
  function words(row) {
    if (row.verdict !== "fails" || row.figure === null) return row.verdict;
    return `fails, ${row.figure.toPrecision(2)}`;
  }

  /* How often each verdict stands on a card. */
  function count(card) {
    const found = {};
    for (const row of Object.values(card.rows)) found[row.verdict] = (found[row.verdict] || 0) + 1;
    return found;
  }

  /* Names of rows on which two cards do not say the same. */
  const differences = (one, other) => Object.keys(one.rows).filter((r) => one.rows[r].verdict !== other.rows[r].verdict);

  return { margin, words, count, differences };
})();

if (typeof document !== "undefined" && window.jqdExplorer) (function () {
  const { margin, words, count, differences } = window.jqdCards;
  const colour = { holds: "#0072B2", fails: "#D55E00", "not decided": "#E69F00", "not applicable": "#7A7A7A" };
  const summary = (name, card) => {
    const n = count(card);
    return `${name}: ${n.holds || 0} hold, ${n.fails || 0} fail, ${n["not decided"] || 0} not decided, ` +
      `${n["not applicable"] || 0} not applicable`;
  };
  function cell(row) {
    const td = document.createElement("td"), m = margin(row);
    const mark = document.createElement("span");
    mark.textContent = { holds: "● ", fails: "◆ ", "not decided": "▲ ", "not applicable": "– " }[row.verdict];
    mark.style.color = colour[row.verdict];
    mark.setAttribute("aria-hidden", "true");
    const said = m === null ? "" : ` (floor ${row.floor.toExponential(0)})`.replace("-", "\u2011"); // one word
    td.append(mark, words(row) + said);
    if (row.note) td.title = row.note;
    return td;
  }
  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("cards-explorer");
    if (!box) return;
    const cards = window.jqdCardData, [first, second] = box.querySelectorAll("select");
    const asked = decodeURIComponent(location.hash.slice(1));
    for (const name of Object.keys(cards)) for (const select of [first, second]) select.add(new Option(name, name));
    first.value = asked in cards ? asked : "copying[q=0.4]";
    window.jqdExplorer.start("cards-explorer", ({ law, beside }) => {
      const shown = [law, ...(beside ? [beside] : [])], only = box.querySelector("[name=only]").checked;
      const differ = beside ? differences(cards[law], cards[beside]) : [];
      const body = box.querySelector("tbody"), head = box.querySelector("thead tr");
      head.replaceChildren();
      for (const name of ["property", ...shown]) {
        const th = document.createElement("th");
        th.scope = "col";
        th.textContent = name;
        head.append(th);
      }
      body.replaceChildren();
      for (const row of Object.keys(cards[law].rows)) {
        if (only && beside && !differ.includes(row)) continue;
        const tr = document.createElement("tr"), th = document.createElement("th");
        th.scope = "row";
        th.textContent = row;
        tr.append(th, ...shown.map((name) => cell(cards[name].rows[row])));
        body.append(tr);
      }
      const notes = Object.values(cards[law].rows).filter((row) => row.verdict === "fails" && row.note);
      box.querySelector(".notes").replaceChildren(...notes.map((row) => {
        const li = document.createElement("li");
        li.textContent = `${row.name}: ${row.note}`;
        return li;
      }));
      box.querySelector("output").textContent = shown.map((name) => summary(name, cards[name])).join("; ") +
        (beside ? `; they differ in ${differ.length} rows.` : ".");
    });
  });
})();
