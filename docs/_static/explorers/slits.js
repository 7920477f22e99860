/* Two slits: free Gaussian packets in closed form, jqd.exact.free_gaussian with
   ħ_eff = 2mD; P = (P1 + P2 + 2 Re η P12)/norm. */
"use strict";
window.jqdSlits = (function () {
  /* ψ of a packet at rest at `center`, of standard deviation `width`: [re, im]. */
  function packet(x, t, center, width, D) {
    // q = 1 + i D t/width², for ħ/2m = D
    const qi = D * t / (width * width), size = Math.hypot(1, qi), turn = Math.atan2(qi, 1);
    const u = (x - center) ** 2 / (4 * width * width * size * size); // /q is conj(q)/|q|²
    const r = (2 * Math.PI * width * width) ** -0.25 / Math.sqrt(size) * Math.exp(-u);
    const angle = u * qi - turn / 2;
    return [r * Math.cos(angle), r * Math.sin(angle)];
  }

  /* P at the places x, with detectors whose states overlap by η. */
  function pattern(x, t, D, d, width, eta) {
    // overlap of the two packets, which free motion keeps
    const norm = 2 + 2 * eta * Math.exp(-d * d / (8 * width * width));
    return Array.from(x, (at) => {
      const [ar, ai] = packet(at, t, d / 2, width, D), [br, bi] = packet(at, t, -d / 2, width, D);
      const both = ar * br + ai * bi; // Re ψ1* ψ2
      return (ar * ar + ai * ai + br * br + bi * bi + 2 * eta * both) / norm;
    });
  }

  /* Distance of fringes: of the phase of ψ1* ψ2, which is linear in x. */
  function spacing(t, D, d, width) {
    const w2 = width * width, qi = D * t / w2;
    return 2 * Math.PI * 2 * w2 * (1 + qi * qi) / (d * qi);
  }
  return { pattern, spacing, packet };
})();

if (typeof document !== "undefined" && window.jqdExplorer) (function () {
  const x = Array.from({ length: 481 }, (_, i) => -12 + i * 0.05), WIDTH = 0.3;
  const colours = window.jqdExplorer.COLOURS;
  const series = [
    { label: "this D and η", stroke: colours[0], width: 2 },
    { label: "quantum mechanics, D = 1/2, η = 1", stroke: colours[1], dash: [5, 5] },
  ];
  window.jqdExplorer.start("slits-explorer", ({ D, d, eta, t }, box) => {
    const seen = window.jqdSlits.pattern(x, t, D, d, WIDTH, eta);
    const exact = window.jqdSlits.pattern(x, t, 0.5, d, WIDTH, 1);
    const apart = x.reduce((sum, _, i) => sum + Math.abs(seen[i] - exact[i]), 0) * 0.05 / 2;
    window.jqdExplorer.lines(box.querySelector(".plot"), [x, seen, exact],
      { series, xlabel: "x", ylabel: "density", range: (_, low, high) => [0, high * 1.05] });
    box.querySelector("output").textContent =
      `D = ${D.toFixed(2)}, slits ${d.toFixed(1)} apart, η = ${eta.toFixed(2)}, t = ${t.toFixed(1)}: fringes ` +
      `${window.jqdSlits.spacing(t, D, d, WIDTH).toFixed(2)} apart, of visibility ${eta.toFixed(2)} where the packets ` +
      `are equal; total variation from quantum mechanics ${apart.toFixed(3)}.`;
  });
})();
