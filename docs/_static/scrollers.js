/* What is wider than its page scrolls by keyboard too: it gets a tab stop where it is. */
"use strict";
addEventListener("DOMContentLoaded", () => {
  const boxes = document.querySelectorAll("article pre, article table.docutils, article div.math");
  function mark() {
    for (const box of boxes)
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
  }
  mark();
  addEventListener("resize", mark);
});
